"""What would be loaded: a source's listing minus the ledger, and for each other file why not."""

from __future__ import annotations

import heapq
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, overload

from trade_ingest.contract.model import Contract, OnChanged
from trade_ingest.ledger.listed import decided_lines, line_of, register, reopen, split_line, stage_listing
from trade_ingest.source.file import SourceFile

if TYPE_CHECKING:
    import psycopg

_PACK_FILES = 1_000


class PlanReason(StrEnum):
    """Why a file is loaded or skipped; the closed set."""

    NEW = "new"
    RETRY = "retry"
    CHANGED = "changed"
    RELOAD = "reload"
    ALREADY_LOADED = "already_loaded"
    SAME_CONTENT = "same_content"
    CHANGED_SKIPPED = "changed_skipped"
    ROLLED_BACK = "rolled_back"
    BASELINE = "baseline"
    NOT_SETTLED = "not_settled"
    NO_MARKER = "no_marker"
    NO_MANIFEST = "no_manifest"
    NOT_IN_MANIFEST = "not_in_manifest"
    INCOMPLETE_DELIVERY = "incomplete_delivery"
    NO_CHECKSUM = "no_checksum"


LOADED_REASONS = frozenset({PlanReason.NEW, PlanReason.RETRY, PlanReason.CHANGED, PlanReason.RELOAD})


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file of the listing and what the plan does with it.

    ``file_id`` is its row in the ledger, if it has one; ``other_file_id`` the file that explains the reason: the
    version that is loaded, or the file with the same content.
    """

    file: SourceFile
    reason: PlanReason
    file_id: int | None = None
    other_file_id: int | None = None
    explanation: str = ""

    @property
    def is_loaded(self) -> bool:
        """Whether the plan loads it."""
        return self.reason in LOADED_REASONS


class PlannedFiles(Sequence[PlannedFile]):
    """Planned files in the order of their URIs.

    They are kept packed, some 20 bytes each instead of 800, and unpacked where they are looked at, so that a plan may
    have millions.

    Attributes:
        size_bytes: the size of all of them, as stored.
    """

    def __init__(self, files: Iterable[PlannedFile] = ()) -> None:
        self.size_bytes = 0
        self._reasons: Counter[bytes] = Counter()
        self._packs: list[bytes] = []
        self._lines: list[bytes] = []  # of the last pack, as long as it is not full
        self._opened: tuple[int, list[PlannedFile]] = (-1, [])
        for planned in files:
            self.add(_line_of(planned))

    @property
    def reasons(self) -> dict[str, int]:
        """How many there are for each reason."""
        return {reason.decode(): count for reason, count in self._reasons.items()}

    def add(self, line: bytes) -> None:
        """Append a file, as a line of ``ledger.listed.decided_lines``."""
        reason, size_bytes, _ = line.split(b"\t", 2)
        self._reasons[reason] += 1
        self.size_bytes += int(size_bytes)
        self._lines.append(line)
        if len(self._lines) == _PACK_FILES:
            self._packs.append(zlib.compress(b"".join(self._lines), level=1))
            self._lines.clear()

    def __len__(self) -> int:
        return len(self._packs) * _PACK_FILES + len(self._lines)

    @overload
    def __getitem__(self, index: int) -> PlannedFile: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PlannedFile]: ...
    def __getitem__(self, index: int | slice) -> PlannedFile | Sequence[PlannedFile]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(len(self))[index])
        pack, offset = divmod(range(len(self))[index], _PACK_FILES)
        if pack == len(self._packs):
            return _read_line(self._lines[offset].decode())
        number, files = self._opened
        if number != pack:
            lines = zlib.decompress(self._packs[pack]).decode().split("\n")[:-1]
            self._opened = number, files = pack, [_read_line(line) for line in lines]
        return files[offset]

    def __iter__(self) -> Iterator[PlannedFile]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self):,} planned files>"


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for a listing.

    Attributes:
        contract: by which contract the files are loaded.
        target: where their rows go.
        to_load: the files that would be loaded.
        skipped: the files that would not.
        ignored: paths that the listing left out because of their names.
    """

    contract: str
    target: str
    to_load: PlannedFiles
    skipped: PlannedFiles
    ignored: tuple[str, ...] = ()

    @property
    def files(self) -> Iterator[PlannedFile]:
        """All files of the listing, in the order of their URIs."""
        return heapq.merge(self.to_load, self.skipped, key=lambda planned: planned.file.uri)

    @property
    def bytes_to_load(self) -> int:
        """Size of the files to load, as stored."""
        return self.to_load.size_bytes

    @property
    def reasons(self) -> Mapping[str, int]:
        """How many files there are for each reason."""
        return self.to_load.reasons | self.skipped.reasons


def make_plan(
    connection: psycopg.Connection[Any],
    files: Iterable[SourceFile],
    contract: Contract,
    *,
    on_changed: OnChanged | None = None,
    reload: bool = False,
    has_ledger: bool = True,
) -> Plan:
    """Stage a listing and compare it with the ledger; see ``compare_listing``. Changes nothing that stays.

    Args:
        connection: to the database that has the ledger, in autocommit mode.
        files: the listing, in any order; a file that is listed twice is planned once.
        contract: says the target, which the ledger is looked up for.
        on_changed: instead of the contract's policy.
        reload: load files again that were rolled back.
        has_ledger: whether there is one; without, all files are new.
    """
    stage_listing(connection, files)
    return compare_listing(connection, contract, on_changed=on_changed, reload=reload, has_ledger=has_ledger)


def compare_listing(
    connection: psycopg.Connection[Any],
    contract: Contract,
    *,
    on_changed: OnChanged | None = None,
    reload: bool = False,
    has_ledger: bool = True,
    only: Sequence[str] | None = None,
    ignored: tuple[str, ...] = (),
) -> Plan:
    """Compare the listing that the session has staged with the ledger; reads only.

    Memory is a few dozen bytes for each file.

    Args:
        connection: the one that has staged the listing.
        contract: says the target, which the ledger is looked up for.
        on_changed: instead of the contract's policy.
        reload: load files again that were rolled back.
        has_ledger: whether there is one; without, all files are new.
        only: plan only these URIs.
        ignored: paths that the listing left out, to be told with the plan.
    """
    target, policy = contract.target.qualified_name, on_changed or contract.on_changed
    to_load, skipped = PlannedFiles(), PlannedFiles()
    kept = {reason.value.encode(): to_load if reason in LOADED_REASONS else skipped for reason in PlanReason}
    with decided_lines(connection, target, policy, reload=reload, only=only, has_ledger=has_ledger) as lines:
        for line in lines:
            kept[line[: line.index(b"\t")]].add(line)
    return Plan(contract.name, target, to_load, skipped, ignored)


def register_files(
    connection: psycopg.Connection[Any], files: Sequence[PlannedFile], target: str, contract_id: int, *, state: str
) -> dict[str, int]:
    """Give each file of a plan its row in the ledger; the file ids by URI.

    Two runs that register the same file get the same id.
    """
    with connection.transaction():
        ids = register(connection, (planned.file for planned in files), target, contract_id, state=state)
        reopen(connection, [planned.file_id for planned in files if planned.file_id is not None])
    return ids


def _line_of(planned: PlannedFile) -> bytes:
    file = planned.file
    facts = (planned.reason, file.size_bytes, file.uri, file.version, file.modified_at)
    ids = (planned.file_id, planned.other_file_id)
    return line_of((*facts, *ids, planned.explanation, file.checksum)).encode()


def _read_line(line: str) -> PlannedFile:
    reason, size_bytes, uri, version, modified_at, file_id, other_file_id, explanation, checksum = split_line(
        line.rstrip("\n")
    )
    return PlannedFile(
        SourceFile(uri, version, int(size_bytes), datetime.fromisoformat(modified_at), checksum=checksum),
        PlanReason(reason),
        int(file_id) if file_id else None,
        int(other_file_id) if other_file_id else None,
        explanation,
    )
