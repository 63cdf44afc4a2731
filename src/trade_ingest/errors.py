"""The errors that trade-ingest raises, and what each means to a shell, a scheduler and an HTTP client.

Every error says what was found, what was expected and where, carries a stable ``code``, a ``hint`` (what to do next)
and survives pickling, so that it crosses process and cluster borders whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


class TradeIngestError(Exception):
    """Base of all errors of this package.

    Args:
        message: what was found, what was expected, where; lower case, no final full stop.
        hint: the next thing to do, or an empty string.
        fields: typed facts about the error (``uri``, ``row_number`` …), kept in ``fields``.
    """

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fields = fields

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.fields)


def _rebuild(cls: type[TradeIngestError], message: str, hint: str, fields: dict[str, Any]) -> TradeIngestError:
    return cls(message, hint=hint, **fields)


class UsageError(TradeIngestError):
    """The caller asked for something that makes no sense."""

    code = "usage"


class ConfigurationError(UsageError):
    """A setting is wrong; ``fields['problems']`` lists all of them."""

    code = "configuration.invalid"


class ContractError(UsageError):
    """A contract is wrong; ``fields['problems']`` lists every problem with its line."""

    code = "contract.invalid"


class UnknownContractError(UsageError):
    """No contract of that name is built in, and no such file exists."""

    code = "contract.unknown"


class GenerateError(UsageError):
    """Synthetic files of that kind cannot be made; the message says why."""

    code = "generate.impossible"


class InferenceError(UsageError):
    """No contract can be proposed from the samples; the message says why."""

    code = "infer.impossible"


class SourceNotFoundError(UsageError):
    """The source matches no file."""

    code = "source.not_found"


class StoreError(TradeIngestError):
    """An object store refused a request for a reason that is not told apart further."""

    code = "store.error"


class StoreUnavailableError(StoreError):
    """An object store cannot be reached, failed, or broke off; trying again may help."""

    code = "store.unavailable"
    retryable = True


class StoreThrottledError(StoreError):
    """An object store asks for fewer requests; trying again later helps."""

    code = "store.throttled"
    retryable = True


class StoreAuthenticationError(StoreError):
    """No credentials for an object store were found, or it refused them."""

    code = "store.authentication"


class StoreExpiredError(StoreError):
    """The credentials for an object store have expired."""

    code = "store.expired"


class StoreClockError(StoreError):
    """An object store refused a request because this machine's clock is wrong."""

    code = "store.clock"


class StorePermissionError(StoreError):
    """An object store denies access; ``fields['permission']`` is the right that is missing."""

    code = "store.permission"


class StoreRegionError(StoreError):
    """The bucket is in another region; ``fields['region']`` is that region, if the store says."""

    code = "store.region"


class NotInLedgerError(UsageError):
    """The ledger knows no such run, file, reject, reason or column."""

    code = "ledger.not_found"


class RollbackRefusedError(UsageError):
    """A file cannot be rolled back as things stand; ``fields['file_ids']`` are the files in the way."""

    code = "rollback.refused"


class ReplayRefusedError(UsageError):
    """The edited export or the contract does not fit what is to be replayed."""

    code = "replay.refused"


class TargetIncompatibleError(UsageError):
    """The target table exists and differs from the contract; ``fields['differences']`` lists how."""

    code = "target.incompatible"


class WriteRefusedError(UsageError):
    """A DataFrame cannot be written under this write id, or not into any table; the message says why."""

    code = "write.refused"


class WriteConflictError(TradeIngestError):
    """A row's key is in the table already with other content; nothing of its partition was written."""

    code = "write.conflict"


class LedgerVersionError(UsageError):
    """The ledger's schema is older or newer than this program."""

    code = "ledger.version"


class DatabaseUnavailableError(TradeIngestError):
    """The database cannot be reached, or the connection was lost; trying again may help."""

    code = "database.unavailable"
    retryable = True


class DatabaseAuthenticationError(TradeIngestError):
    """The database refused the user or the password."""

    code = "database.authentication"


class DatabasePermissionError(TradeIngestError):
    """The database user lacks a right."""

    code = "database.permission"


class DatabaseError(TradeIngestError):
    """The database refused a statement for a reason that is not the rows' fault."""

    code = "database.error"


class EmbeddedDatabaseError(TradeIngestError):
    """The embedded PostgreSQL cannot be started, stopped or used."""

    code = "database.embedded"


class EngineError(TradeIngestError):
    """The engine cannot run loads: a program or package is missing, or workers cannot reach the database."""

    code = "engine.unusable"


class PlatformError(TradeIngestError):
    """A cloud's service for jobs or secrets refused a request, or knows nothing of that name."""

    code = "platform.refused"


class PlatformUnavailableError(PlatformError):
    """A cloud's service for jobs or secrets cannot be reached, or failed; trying again may help."""

    code = "platform.unavailable"
    retryable = True


class PlatformAuthenticationError(PlatformError):
    """A cloud's service for jobs or secrets does not know who asks, or does not let them do it."""

    code = "platform.authentication"


class RunInterruptedError(TradeIngestError):
    """The run was stopped by the user; the ledger is consistent and the next run goes on from it."""

    code = "run.interrupted"
    retryable = True


class ReconciliationError(TradeIngestError):
    """The ledger and the target disagree."""

    code = "reconciliation.mismatch"


class FileError(TradeIngestError):
    """One file cannot be loaded; nothing of it is visible and the run goes on with the others."""

    code = "file.failed"


class FileUnreadableError(FileError):
    """The file is missing, locked or not permitted."""

    code = "file.unreadable"


class FileCorruptError(FileError):
    """The file's compression or text encoding is broken; ``fields['byte_offset']`` says where."""

    code = "file.corrupt"


class FileChecksumError(FileError):
    """The stored bytes are not those that the checksum beside the file was made of, or the checksum is unusable."""

    code = "file.checksum"


class FileHeaderError(FileError):
    """The header does not fit the contract."""

    code = "file.header"


class FileTrailerError(FileError):
    """The trailer is missing, or its row count is not the file's: the file is likely truncated."""

    code = "file.trailer"


class PathMismatchError(FileError):
    """The file's path does not match the contract's ``path`` expression."""

    code = "file.path"


class FileChangedError(FileError):
    """A loaded file has new content and the contract says ``on_changed: fail``."""

    code = "file.changed"


class FileChangedWhileReadError(FileError):
    """The file changed while it was read; trying again reads the new content."""

    code = "file.changed_while_read"
    retryable = True


class RejectLimitError(FileError):
    """More rows were rejected than the contract or the run allows."""

    code = "file.reject_limit"


class BalanceError(FileError):
    """``rows_read`` is not ``rows_loaded + rows_duplicate + rows_rejected``: nothing was committed."""

    code = "file.balance"


class WorkerLostError(FileError):
    """The process that loaded the file died; PostgreSQL has rolled its work back."""

    code = "file.worker_lost"
    retryable = True


class NotificationError(TradeIngestError):
    """A notification was not taken."""

    code = "notification.refused"
    retryable = True


class UnauthenticatedError(TradeIngestError):
    """The API was asked without a token, session or user that it knows."""

    code = "api.unauthenticated"


class ForbiddenError(TradeIngestError):
    """Who asks may not do this; ``fields['scope']`` is what it takes."""

    code = "api.forbidden"


class TooManyFailuresError(TradeIngestError):
    """An address has sent too many wrong tokens; ``fields['retry_after_seconds']`` says how long it has to wait."""

    code = "api.too_many_failures"
    retryable = True


class CrossSiteError(TradeIngestError):
    """A write came from another site's page, or without the header that proves that it did not."""

    code = "api.cross_site"


class HostRefusedError(TradeIngestError):
    """The API was asked under a name that is not its own."""

    code = "api.host"


class IdentityProviderError(TradeIngestError):
    """The issuer of OpenID Connect does not give its keys, so that no bearer token of its can be checked."""

    code = "api.identity_provider"
    retryable = True


class IdempotencyError(UsageError):
    """An Idempotency-Key was used before, for something else."""

    code = "api.idempotency_key"


class StreamsBusyError(TradeIngestError):
    """The server has as many live streams as it may; ``fields['retry_after_seconds']`` says when to try again."""

    code = "api.streams_busy"
    retryable = True


class RequestInvalidError(UsageError):
    """A request's parameters or body are not as documented; ``fields['errors']`` has each place and what is wrong."""

    code = "api.request"


class RequestTooLargeError(UsageError):
    """What was sent is larger than the server takes."""

    code = "api.too_large"


class CursorError(UsageError):
    """A list's cursor is no cursor, or belongs to a list with other filters or another order."""

    code = "api.cursor"


class SourceNotAllowedError(UsageError):
    """A source lies outside of what the API may load from."""

    code = "source.not_allowed"


class RunNotStoppableError(UsageError):
    """A run cannot be stopped from here, or has ended."""

    code = "run.not_stoppable"


class ArchiveError(TradeIngestError):
    """A loaded file could not be moved, tagged or deleted; its rows are in the target, and it is where it was."""

    code = "archive.failed"


class ArchiveConflictError(ArchiveError):
    """At the place that a loaded file was to be moved to is something else, which is not overwritten."""

    code = "archive.destination_exists"


class ArchiveSourceError(ArchiveError):
    """A loaded file is not there any more as it was loaded, so that it is left alone."""

    code = "archive.source_changed"


class HandoverError(TradeIngestError):
    """Rows of a loaded file could not be handed over to a lake; they are in the target."""

    code = "handover.failed"


class LakeIncompatibleError(UsageError):
    """The table of a lake has other columns than the target, or is somewhere else."""

    code = "lake.incompatible"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an error class means outside Python: process exit code, HTTP status, RFC 9457 problem type."""

    exit_code: int
    http_status: int

    @staticmethod
    def problem_type(code: str) -> str:
        """The problem type (a relative URI) of an error code."""
        return f"/problems/{code}"


OUTCOMES: dict[type[TradeIngestError], Outcome] = {
    TradeIngestError: Outcome(1, 500),
    UsageError: Outcome(2, 400),
    ConfigurationError: Outcome(2, 400),
    ContractError: Outcome(2, 422),
    UnknownContractError: Outcome(2, 404),
    GenerateError: Outcome(2, 422),
    InferenceError: Outcome(2, 422),
    SourceNotFoundError: Outcome(2, 404),
    StoreError: Outcome(1, 502),
    StoreUnavailableError: Outcome(3, 503),
    StoreThrottledError: Outcome(3, 503),
    StoreAuthenticationError: Outcome(4, 502),
    StoreExpiredError: Outcome(4, 502),
    StoreClockError: Outcome(4, 502),
    StorePermissionError: Outcome(4, 502),
    StoreRegionError: Outcome(2, 502),
    NotInLedgerError: Outcome(2, 404),
    RollbackRefusedError: Outcome(2, 409),
    ReplayRefusedError: Outcome(2, 409),
    TargetIncompatibleError: Outcome(2, 409),
    WriteRefusedError: Outcome(2, 409),
    WriteConflictError: Outcome(1, 409),
    LedgerVersionError: Outcome(2, 503),
    DatabaseUnavailableError: Outcome(3, 503),
    DatabaseAuthenticationError: Outcome(4, 502),
    DatabasePermissionError: Outcome(4, 502),
    DatabaseError: Outcome(1, 500),
    EmbeddedDatabaseError: Outcome(3, 503),
    EngineError: Outcome(2, 503),
    PlatformError: Outcome(2, 502),
    PlatformUnavailableError: Outcome(3, 503),
    PlatformAuthenticationError: Outcome(4, 502),
    RunInterruptedError: Outcome(130, 409),
    ReconciliationError: Outcome(6, 409),
    FileError: Outcome(1, 422),
    FileUnreadableError: Outcome(1, 422),
    FileCorruptError: Outcome(1, 422),
    FileChecksumError: Outcome(1, 422),
    FileHeaderError: Outcome(1, 422),
    FileTrailerError: Outcome(1, 422),
    PathMismatchError: Outcome(1, 422),
    FileChangedError: Outcome(1, 409),
    FileChangedWhileReadError: Outcome(3, 503),
    RejectLimitError: Outcome(1, 422),
    BalanceError: Outcome(1, 500),
    WorkerLostError: Outcome(3, 503),
    ArchiveError: Outcome(1, 500),
    ArchiveConflictError: Outcome(1, 409),
    ArchiveSourceError: Outcome(1, 409),
    HandoverError: Outcome(1, 500),
    LakeIncompatibleError: Outcome(2, 409),
    NotificationError: Outcome(3, 502),
    UnauthenticatedError: Outcome(4, 401),
    ForbiddenError: Outcome(4, 403),
    TooManyFailuresError: Outcome(3, 429),
    CrossSiteError: Outcome(4, 403),
    HostRefusedError: Outcome(2, 421),
    IdentityProviderError: Outcome(3, 503),
    IdempotencyError: Outcome(2, 422),
    StreamsBusyError: Outcome(3, 503),
    RequestInvalidError: Outcome(2, 400),
    RequestTooLargeError: Outcome(2, 413),
    CursorError: Outcome(2, 400),
    SourceNotAllowedError: Outcome(2, 403),
    RunNotStoppableError: Outcome(2, 409),
}
"""The one table of exit codes and HTTP statuses; each error class has its own row."""


def outcome_of(error: TradeIngestError) -> Outcome:
    """The row of ``OUTCOMES`` for an error."""
    return OUTCOMES[type(error)]
