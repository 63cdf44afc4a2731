"""What a store answers, as one error of ours with its fix. Foreign texts pass through the mask of secrets."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from trade_ingest.errors import (
    FileChangedWhileReadError,
    FileUnreadableError,
    SourceNotFoundError,
    StoreAuthenticationError,
    StoreClockError,
    StoreError,
    StoreExpiredError,
    StorePermissionError,
    StoreRegionError,
    StoreThrottledError,
    StoreUnavailableError,
    TradeIngestError,
)
from trade_ingest.source.credentials import NO_CREDENTIALS
from trade_ingest.source.location import Location
from trade_ingest.source.masking import mask_secrets

logger = logging.getLogger(__name__)

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>\s*([\w.]+)\s*</Code>|\"(?:code|error)\"\s*:\s*\"([\w.]+)\"")
_MESSAGE = re.compile(r"<Message>\s*([^<]*?)\s*</Message>|\"(?:message|error_description)\"\s*:\s*\"([^\"]*)\"")
_DETAIL = re.compile(r"<AuthenticationErrorDetail>\s*([^<]*?)\s*</AuthenticationErrorDetail>")  # Azure's real reason
_REGION = re.compile(r"<Region>([\w-]+)</Region>|expecting '([\w-]+)'")
_ADDRESS = re.compile(r"Error performing \w+ (https?://[^/\s]+)")
_METADATA = re.compile(
    r"169\.254\.169\.254|/latest/api/token|metadata\.google\.internal|metadata/identity|computeMetadata", re.IGNORECASE
)
_TRANSPORT = re.compile(
    r"HTTP error|error sending request|error decoding response body|timed? ?out|connection (reset|refused|closed)"
    r"|dns error|IncompleteMessage|UnexpectedEof|end of file before message length|peer closed",
    re.IGNORECASE,
)
_REDIRECT = re.compile(r"redirect without LOCATION|error following redirect|too many redirects", re.IGNORECASE)
_NO_LENGTH = re.compile(r"Content-Length Header missing|MissingContentLength", re.IGNORECASE)
_BAD_PATH = re.compile(
    r"\bPath (\".*?\")(?: contained (empty path segment)|: Encountered illegal character sequence \"(.*?)\" whilst)",
    re.DOTALL,
)
"""The key in quotes, and what obstore says is wrong with it."""

_SKEWED = frozenset({"RequestTimeTooSkewed"})
_SKEW_WORDS = re.compile(
    r"signature not yet current|short-lived token|difference between the request time"
    r"|date header in the request is incorrect|request date header too old",
    re.IGNORECASE,
)
_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired", "invalid_grant"}
)
_EXPIRED_WORDS = re.compile(
    r"has expired|not valid in the specified time frame|token is expired|signature expired", re.IGNORECASE
)
_REFUSED = frozenset(
    {
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidSecurity",
        "InvalidToken",
        "AuthenticationFailed",
        "AuthenticationRequired",
        "InvalidAuthenticationInfo",
        "NoAuthenticationInformation",
        "MissingSecurityHeader",
        "MissingAuthenticationToken",
        "invalid_client",
        "unauthorized_client",
    }
)
_WRONG_REGION = frozenset(
    {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException", "IncorrectEndpoint"}
)
_NO_BUCKET = frozenset(
    {"NoSuchBucket", "InvalidBucketName", "ContainerNotFound", "ContainerBeingDeleted", "AccountNotFound"}
)
_THROTTLED = frozenset(
    {"SlowDown", "ServerBusy", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
)

PERMISSIONS: dict[str, dict[str, str]] = {
    "s3": {
        "list": "s3:ListBucket on the bucket",
        "read": "s3:GetObject on the object",
        "write": "s3:PutObject on the object",
        "delete": "s3:DeleteObject on the object",
        "tag": "s3:GetObjectTagging and s3:PutObjectTagging on the object",
    },
    "gs": {
        "list": "storage.objects.list on the bucket",
        "read": "storage.objects.get on the object",
        "write": "storage.objects.create on the bucket",
        "delete": "storage.objects.delete on the object",
        "tag": "storage.objects.update on the object",
    },
    "az": {
        "list": "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read (role Storage Blob Data Reader,"
        " or a SAS token with list)",
        "read": "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read (role Storage Blob Data Reader,"
        " or a SAS token with read)",
        "write": "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write (role Storage Blob Data"
        " Contributor, or a SAS token with create and write)",
        "delete": "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete (role Storage Blob Data"
        " Contributor, or a SAS token with delete)",
        "tag": "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags/write (role Storage Blob Data"
        " Owner, or a SAS token with tags)",
    },
}
"""The right that an action needs in each cloud."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a failed request says."""

    location: Location
    action: str
    status: int
    code: str
    message: str
    detail: str
    text: str

    @property
    def words(self) -> str:
        """All that it says about the reason."""
        return f"{self.message}\n{self.detail}"

    @property
    def said(self) -> str:
        """The store's own words, short."""
        return self._short(self.message)

    @property
    def said_in_detail(self) -> str:
        """The store's own words, the detail instead of the message, which may repeat what was signed."""
        return self._short(self.detail or self.message)

    def _short(self, words: str) -> str:
        words = ": ".join(part for part in (self.code, words.partition("\n")[0].rstrip(".\r")) if part)
        return words or (f"status {self.status}" if self.status else self.text.partition("\n")[0][:300])


def store_error(
    error: BaseException, location: Location, action: str, *, secrets: Iterable[str] = ()
) -> TradeIngestError:
    """The error of ours for what obstore raised.

    Args:
        error: the foreign error.
        location: what was asked for.
        action: ``list``, ``read``, ``write``, ``delete`` or ``tag``.
        secrets: masked if the foreign text has them; those of the environment are so in any case.
    """
    text = mask_secrets(str(error), secrets)
    logger.debug("%s: %s failed: %s", location.uri, action, text)
    status = _STATUS.search(text)
    answer = _Answer(
        location=location,
        action=action,
        status=int(status[1]) if status else 0,
        code=_found(_CODE, text),
        message=_found(_MESSAGE, text),
        detail=_found(_DETAIL, text),
        text=text,
    )
    if type(error).__name__ == "PreconditionError":
        return changed_error(location)
    if type(error).__name__ == "InvalidPathError" or (isinstance(error, ValueError) and "path" in text.lower()):
        return _path_error(location, text)
    return next(made for rule in _RULES if (made := rule(answer)) is not None)


def _path_error(location: Location, text: str) -> StoreError:
    match = _BAD_PATH.search(text)
    if match is None:
        key, why = "", text.partition("\n")[0][:300]
    else:
        kind = "part" if match[3] in {".", ".."} else "character"
        key, why = f" {_printable(match[1])}", "it has an empty part" if match[2] else f"it has the {kind} {match[3]!r}"
    message = f"{location.uri}: the key{key} cannot be addressed: {why}"
    return StoreError(message, hint="copy the object to another key, or name another prefix", uri=location.uri)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def changed_error(location: Location) -> FileChangedWhileReadError:
    """The object is not the one any more that was listed."""
    message = f"{location.uri}: changed since it was listed"
    return FileChangedWhileReadError(message, hint="run again when the object is complete", uri=location.uri)


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return "" if match is None else next(group for group in match.groups() if group is not None)


def _clock(answer: _Answer) -> TradeIngestError | None:
    if answer.code not in _SKEWED and not _SKEW_WORDS.search(answer.words):
        return None
    message = f"{answer.location.uri}: this machine's clock differs too much from the store's ({answer.said_in_detail})"
    return StoreClockError(message, hint="let this machine set its clock by NTP: timedatectl", uri=answer.location.uri)


def _expired(answer: _Answer) -> TradeIngestError | None:
    if answer.code not in _EXPIRED and not _EXPIRED_WORDS.search(answer.words):
        return None
    hint = {
        "s3": "get new ones: aws sso login, or a new AWS_SESSION_TOKEN",
        "gs": "get new ones: gcloud auth application-default login",
        "az": "get a new SAS token, or: az login",
    }.get(answer.location.scheme, "ask for a new signed address")
    message = f"{answer.location.uri}: the credentials have expired ({answer.said_in_detail})"
    return StoreExpiredError(message, hint=hint, uri=answer.location.uri)


def _region(answer: _Answer) -> TradeIngestError | None:
    if answer.location.scheme != "s3":
        return None
    is_redirect = answer.status in {301, 307} or "redirect without LOCATION" in answer.text
    region = _found(_REGION, answer.text)
    if not is_redirect and not (
        answer.code in _WRONG_REGION and (region or answer.code != "AuthorizationHeaderMalformed")
    ):
        return None
    where = f"is in region {region}" if region else "is in another region"
    hint = f"set AWS_REGION={region or '…'}, or region in a connection of trade-ingest.toml"
    if not region:
        hint += f"; find it with: curl -sI https://s3.amazonaws.com/{answer.location.store} | grep -i region"
    message = f"{answer.location.uri}: the bucket {where}"
    return StoreRegionError(message, hint=hint, uri=answer.location.uri, region=region)


def _redirect(answer: _Answer) -> TradeIngestError | None:
    if not 300 <= answer.status < 400 and not _REDIRECT.search(answer.text):  # noqa: PLR2004  # redirects
        return None
    message = f"{answer.location.uri}: the server redirects, and not to an object"
    hint = "open the address in a browser, and give the one it ends at"
    return StoreError(message, hint=hint, uri=answer.location.uri)


def _no_length(answer: _Answer) -> TradeIngestError | None:
    if not _NO_LENGTH.search(answer.text):
        return None
    uri = answer.location.uri
    message = f"{uri}: the server does not say how long the object is (no Content-Length), so its end cannot be checked"
    return StoreError(message, hint="download it, compare it with its source, and load the local file", uri=uri)


def _credentials(answer: _Answer) -> TradeIngestError | None:
    uri, scheme = answer.location.uri, answer.location.scheme
    if _METADATA.search(answer.text):
        message = f"{uri}: no credentials found, and this machine has no role of its own"
        return StoreAuthenticationError(message, hint=NO_CREDENTIALS.get(scheme, ""), uri=uri)
    if answer.code not in _REFUSED and answer.status != 401:  # noqa: PLR2004  # unauthorized
        return None
    hint = f"check the credentials that are used: trade-ingest doctor --source {uri}"
    return StoreAuthenticationError(f"{uri}: the store refused the credentials ({answer.said})", hint=hint, uri=uri)


def _throttled(answer: _Answer) -> TradeIngestError | None:
    if answer.code not in _THROTTLED and answer.status != 429:  # noqa: PLR2004  # too many requests
        return None
    message = f"{answer.location.uri}: the store asks for fewer requests ({answer.said})"
    return StoreThrottledError(message, hint="run again later, or with a lower --parallelism", uri=answer.location.uri)


def _no_bucket(answer: _Answer) -> TradeIngestError | None:
    is_list = answer.action == "list" and answer.status == 404  # noqa: PLR2004  # not found
    if answer.code not in _NO_BUCKET and not is_list:
        return None
    kind = {"az": "container"}.get(answer.location.scheme, "bucket")
    message = f"{answer.location.uri}: there is no {kind} {answer.location.store}"
    return SourceNotFoundError(message, hint="check the spelling, and the account or endpoint", uri=answer.location.uri)


def _no_object(answer: _Answer) -> TradeIngestError | None:
    if answer.status not in {404, 410} and "not found" not in answer.text[:200]:
        return None
    message = f"{answer.location.uri}: there is no such object (any more)"
    return FileUnreadableError(message, hint="check the spelling; list with: trade-ingest ls", uri=answer.location.uri)


def _denied(answer: _Answer) -> TradeIngestError | None:
    if answer.status != 403:  # noqa: PLR2004  # forbidden
        return None
    uri, scheme = answer.location.uri, answer.location.scheme
    right = PERMISSIONS.get(scheme, {}).get(answer.action)
    hint = (
        f"grant {right}" if right else "the address needs a signature or token that allows reading, and is not expired"
    )
    if scheme == "s3" and answer.action == "read":
        hint += "; without s3:ListBucket a missing object looks the same"
    message = f"{uri}: access denied: may not {answer.action} ({answer.said})"
    return StorePermissionError(message, hint=hint, uri=uri, permission=right or "")


def _unavailable(answer: _Answer) -> TradeIngestError | None:
    uri = answer.location.uri
    if answer.status >= 500 or answer.status == 408:  # noqa: PLR2004  # the server's errors; timeout
        return StoreUnavailableError(f"{uri}: the store failed ({answer.said})", hint="run again later", uri=uri)
    if not _TRANSPORT.search(answer.text):
        return None
    where = _found(_ADDRESS, answer.text)
    message = (
        f"{uri}: the store cannot be reached{f' at {where}' if where else ''}, or broke off ({_cause(answer.text)})"
    )
    hint = "check the name, the endpoint and the network, then run again"
    return StoreUnavailableError(message, hint=hint, uri=uri)


def _cause(text: str) -> str:
    for words in ("dns error", "timed out", "Connection refused", "connection reset", "certificate", "TimedOut"):
        if words.lower() in text.lower():
            return {"dns error": "no such host", "TimedOut": "timed out"}.get(words, words.lower())
    return "the connection was lost"


def _unknown(answer: _Answer) -> TradeIngestError:
    message = f"{answer.location.uri}: {answer.action} failed: {answer.said}"
    return StoreError(message, hint="--log-level debug shows the store's whole answer", uri=answer.location.uri)


_RULES: tuple[Callable[[_Answer], TradeIngestError | None], ...] = (
    _clock,
    _expired,
    _region,
    _redirect,
    _no_length,
    _throttled,
    _no_bucket,
    _credentials,
    _denied,
    _no_object,
    _unavailable,
    _unknown,
)
"""From the most special to the most general; the last one always has an answer."""
