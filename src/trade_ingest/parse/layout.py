"""How the fields of one file map to the columns of its contract."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field

from trade_ingest.contract.model import Column, Contract
from trade_ingest.errors import FileHeaderError, PathMismatchError

_SHOWN_NAMES, _SHOWN_CHARACTERS = 100, 100  # of a header in a message: a wrong file may be one line of megabytes


@dataclass(frozen=True, slots=True)
class TemplateCell:
    """A cell in a template, by its field; NULL makes the text NULL, unless it is optional."""

    index: int
    is_optional: bool = False


@dataclass(frozen=True)
class FileLayout:
    """Where each column's value is found.

    Attributes:
        field_count: fields that each record must have.
        fields: field index (0-based) by column name, of columns that are one cell.
        templates: by column name, what a cell is made of: texts, and cells.
        members: by column name, the fields of a JSON object: index by name.
        constants: cell text by column name, for values that are the same in all rows: path groups, constants,
            and None for optional columns that the file lacks.
        ignored: header names that the contract does not know and lets pass.
    """

    field_count: int
    fields: dict[str, int]
    constants: dict[str, str | None]
    templates: dict[str, tuple[str | TemplateCell, ...]] = dataclass_field(default_factory=dict)
    members: dict[str, dict[str, int]] = dataclass_field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    @property
    def used_fields(self) -> list[int]:
        """The field indexes that are read, ascending."""
        names = [*self.fields, *self.templates, *self.members]
        return sorted({index for name in names for index in self.cells_of(name)})

    def cells_of(self, column: str) -> tuple[int, ...]:
        """The field indexes that a column's value is made of; none for a constant one."""
        if column in self.fields:
            return (self.fields[column],)
        if column in self.templates:
            return tuple(part.index for part in self.templates[column] if isinstance(part, TemplateCell))
        return tuple(self.members.get(column, {}).values())

    def field_of(self, column: str) -> int | None:
        """The field index of a column, or None for a constant one."""
        return self.fields.get(column)

    def is_read(self, column: str) -> bool:
        """Whether a column's value is in the file's records."""
        return column in self.fields or column in self.templates or column in self.members

    def constant_of(self, column: str) -> str | None:
        """The cell text of a constant column."""
        return self.constants.get(column)


def layout_of(
    contract: Contract, uri: str, *, header: Sequence[str] | None, first_record: Sequence[str] | None
) -> FileLayout:
    """Match a file with its contract.

    Header names match exactly, or else without regard to case and surrounding blanks.

    Args:
        contract: the contract.
        uri: the file's URI, for values taken from the path and for messages.
        header: the header's cells; None for a file without one.
        first_record: the first data record's cells, of a format without header; None for an empty file.

    Raises:
        FileHeaderError: required columns are missing, or unknown ones are not allowed.
        PathMismatchError: the path does not match the contract's expression.
    """
    constants: dict[str, str | None] = {c.name: c.constant for c in contract.columns if c.constant is not None}
    constants |= path_values(contract, uri)
    if contract.format.header:
        return _by_name(contract, uri, list(header or ()), constants)
    return _by_position(contract, uri, first_record, constants)


def path_values(contract: Contract, uri: str) -> dict[str, str | None]:
    """The values that the file's path gives, by column.

    Raises:
        PathMismatchError: the path does not match.
    """
    columns = {c.name: c.path_group for c in contract.columns if c.path_group is not None}
    groups = _path_groups(contract, uri) if columns else {}
    return {name: groups[group] for name, group in columns.items()}


def _path_groups(contract: Contract, uri: str) -> dict[str, str | None]:
    """The groups of the contract's path expression.

    Raises:
        PathMismatchError: the path does not match.
    """
    match = re.search(contract.path or "", uri)
    if match is None:
        message = f"{uri}: the path does not match the contract's path expression {contract.path!r}"
        groups = [c.path_group or any(part.path_group for part in c.template_parts) for c in contract.columns]
        wanted = ", ".join(c.name for c, group in zip(contract.columns, groups, strict=True) if group)
        raise PathMismatchError(message, hint=f"the values of {wanted} come from the path: rename the file", uri=uri)
    return match.groupdict()


def _by_position(
    contract: Contract, uri: str, first: Sequence[str] | None, constants: dict[str, str | None]
) -> FileLayout:
    fields = {c.name: c.position - 1 for c in contract.columns if c.position is not None}

    def index_of(place: str) -> int:
        return int(place) - 1

    templates = {c.name: _template(c, contract, uri, index_of) for c in contract.columns if c.template is not None}
    members = {
        c.name: {name: index_of(place) for name, place in c.members.items()}
        for c in contract.columns
        if isinstance(c.members, dict)
    }
    layout = FileLayout(0, fields, constants, templates, members)
    declared = max(layout.used_fields) + 1
    found = declared if first is None else len(first)
    count = max(declared, found) if contract.drift.unknown_columns == "ignore" else declared
    return replace(layout, field_count=count)


def _template(
    column: Column, contract: Contract, uri: str, index_of: Callable[[str], int | None]
) -> tuple[str | TemplateCell, ...]:
    """The parts of a template: texts, those of the path among them, and cells that the file has."""
    parts: list[str | TemplateCell] = []
    for part in column.template_parts:
        if part.literal is not None:
            parts.append(part.literal)
        elif part.path_group is not None:
            parts.append(_path_groups(contract, uri)[part.path_group] or "")
        elif (index := index_of(part.header_name or str(part.position))) is not None:
            parts.append(TemplateCell(index, part.is_optional))
    return tuple(parts)


def _by_name(contract: Contract, uri: str, header: list[str], constants: dict[str, str | None]) -> FileLayout:
    names = _HeaderNames(header)
    fields: dict[str, int] = {}
    single = [column for column in contract.columns if column.is_one_cell]
    for take in (names.take_exact, names.take_folded):
        for column in single:
            if column.name not in fields and (index := take(column.header_names)) is not None:
                fields[column.name] = index
    absent = {column.name: [column.header_names[0]] for column in single if column.name not in fields}
    templates: dict[str, tuple[str | TemplateCell, ...]] = {}
    for column in contract.columns:
        if column.template is not None:
            wanted = {part.header_name: part.is_optional for part in column.template_parts if part.header_name}
            places = {name: names.index_if_there(name) for name in wanted}
            lacking = [name for name, is_optional in wanted.items() if places[name] is None and not is_optional]
            if lacking:
                absent[column.name] = lacking
            else:
                templates[column.name] = _template(column, contract, uri, places.__getitem__)
    kept = {fields[column.name] for column in single if column.round and column.name in fields}
    members = _members_by_name(contract, header, names, kept)
    must_be_there = contract.drift.missing_optional == "fail"
    missing = [name for c in contract.columns if c.required or must_be_there for name in absent.get(c.name, ())]
    constants |= dict.fromkeys(absent)
    unknown = [name for i, name in enumerate(header) if i not in names.taken]
    problems = [f"column {_shown(name)!r} is missing{_near(name, unknown)}" for name in dict.fromkeys(missing)]
    problems += [f"column {_shown(name)!r} occurs {count} times" for name, count in names.repeated]
    if contract.drift.unknown_columns == "fail":
        problems += [f"column {_shown(name)!r} is not in the contract" for name in unknown[:_SHOWN_NAMES]]
    if problems:
        raise _header_error(contract, uri, header, problems)
    return FileLayout(len(header), fields, constants, templates, members, tuple(unknown))


def _members_by_name(
    contract: Contract, header: list[str], names: _HeaderNames, kept: set[int]
) -> dict[str, dict[str, int]]:
    """The fields of each JSON object; those that the header lacks are left out.

    `rest` and `all` come last; `rest` has the fields ``kept`` although a column has taken them.
    """
    members = {
        c.name: {name: names.index_of(place) for name, place in c.members.items() if names.has(place)}
        for c in contract.columns
        if isinstance(c.members, dict)
    }
    for column in contract.columns:
        if isinstance(column.members, str):
            is_all = column.members == "all"
            left = [i for i in range(len(header)) if is_all or i in kept or i not in names.taken]
            members[column.name] = dict(zip(_own_names(header, left), left, strict=True))
            names.taken.update(range(len(header)))
    return members


def _own_names(header: list[str], fields: list[int]) -> list[str]:
    """Names that tell fields apart: those of the header, with the position where one is repeated."""
    names = [header[i] for i in fields]
    numbered = [f"{name} (column {i + 1})".strip() for name, i in zip(names, fields, strict=True)]
    return [name if names.count(name) == 1 else number for name, number in zip(names, numbered, strict=True)]


class _HeaderNames:
    """The names of a header; each is taken by one column.

    Attributes:
        taken: the fields whose name is taken.
        repeated: names that were taken although another field has them too, and how many have them.
    """

    def __init__(self, header: list[str]) -> None:
        self._header = header
        self._exact: dict[str, list[int]] = {}
        self._by_folded: dict[str, list[int]] = {}
        for i, name in enumerate(header):
            self._exact.setdefault(name, []).append(i)
            self._by_folded.setdefault(_folded(name), []).append(i)
        self.taken: set[int] = set()
        self.repeated: list[tuple[str, int]] = []

    def take_exact(self, names: Sequence[str]) -> int | None:
        """Take the field that has the first of the names that is there."""
        return self._take([self._exact.get(name, []) for name in names])

    def take_folded(self, names: Sequence[str]) -> int | None:
        """The same without regard to case and surrounding blanks, among those that nobody has taken."""
        return self._take([self._by_folded.get(_folded(name), []) for name in names])

    def has(self, name: str) -> bool:
        """Whether a field has the name, which others may have taken."""
        return name in self._exact or _folded(name) in self._by_folded

    def index_of(self, name: str) -> int:
        """The first field of a name that is there; it counts as taken."""
        index = (self._exact.get(name) or self._by_folded[_folded(name)])[0]
        self.taken.add(index)
        return index

    def index_if_there(self, name: str) -> int | None:
        """The same, or None for a name that no field has."""
        return self.index_of(name) if self.has(name) else None

    def _take(self, choices: list[list[int]]) -> int | None:
        for choice in choices:
            if free := [i for i in choice if i not in self.taken]:
                self.taken.add(free[0])
                if len(free) > 1:
                    self.repeated.append((self._header[free[0]], len(free)))
                return free[0]
        return None


def _folded(name: str) -> str:
    return name.strip().casefold()


def _near(name: str, candidates: list[str]) -> str:
    shown = {_shown(c).casefold(): _shown(c) for c in candidates[:_SHOWN_NAMES]}
    close = difflib.get_close_matches(name.casefold(), shown, n=1)
    return f" (is it {shown[close[0]]!r}?)" if close else ""


def _shown(name: str) -> str:
    """A name as it may stand in a message: no control characters, not too long."""
    name = name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _header_error(contract: Contract, uri: str, header: list[str], problems: list[str]) -> FileHeaderError:
    names = [_shown(name) for name in header[:_SHOWN_NAMES]]
    if len(header) > _SHOWN_NAMES:
        names.append(f"… ({len(header):,} in all)")
    message = f"{uri}: header does not fit contract {contract.name}: {'; '.join(problems)}; columns read: "
    message += ", ".join(names)
    hint = "add the name to the column's source in the contract, or set drift.unknown_columns: ignore"
    if any("\r" in name for name in header):
        hint = "line breaks must be LF or CRLF: this file seems to have CR alone"
    return FileHeaderError(message, hint=hint, uri=uri, header=tuple(header), problems=tuple(problems))
