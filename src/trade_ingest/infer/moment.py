"""Where the event time of a proposed contract comes from."""

from __future__ import annotations

from dataclasses import dataclass, field

from trade_ingest.contract.types import Kind
from trade_ingest.infer.columns import FoundColumn
from trade_ingest.infer.header import snake_name
from trade_ingest.infer.paths import PathValues
from trade_ingest.infer.roles import Roles
from trade_ingest.infer.times import TimeFormat, formats_in_words
from trade_ingest.infer.vocabulary import Role

STAND_IN = "2000-01-01"
_NO_OFFSET = "the cells have no offset"


@dataclass(slots=True)
class Moment:
    """The event time: keys of its column, and what has to be looked at.

    Attributes:
        keys: of the column, without those that say which cell it is.
        cells: the file's columns that it is made of.
        is_one_cell: it is one cell of the file, by itself.
        template: what it is made of, otherwise: texts, and columns of the file.
        expression: SQL over the texts of columns of the file, by place in ``cells``: ``{0}``.
        evidence: how it is known.
        confirm: what a person has to look at.
        has_nanoseconds: there are digits beyond the microsecond.
        uses_path: the date comes from the file's path.
    """

    keys: dict[str, object] = field(default_factory=dict)
    cells: tuple[FoundColumn, ...] = ()
    template: tuple[str | FoundColumn, ...] = ()
    expression: str = ""
    evidence: str = ""
    confirm: str = ""
    has_nanoseconds: bool = False
    uses_path: bool = False

    @property
    def is_one_cell(self) -> bool:
        """Whether it is one cell of the file, by itself."""
        return len(self.cells) == 1 and not self.template and not self.expression


def find_moment(roles: Roles, path: PathValues) -> Moment:
    """The event time of a file's rows; where no column says it, a constant that has to be put right."""
    moment, day, clock = roles.get(Role.TIME), roles.get(Role.DATE), roles.get(Role.CLOCK)
    if moment is not None:
        return _of_column(moment)
    if clock is not None and (day is None or clock.filled >= day.filled):
        found = _of_clock(clock, day, roles, path)
        if found is not None:
            return found
    if day is not None:
        found = _of_column(day)
        if clock is not None:
            found.evidence += f"; {clock.label} is empty in some rows, so that it is left aside"
        return found
    if path.date_format:
        keys: dict[str, object] = {"path_group": "date", "format": path.date_format, "zone": "UTC"}
        return Moment(keys, uses_path=True, evidence="the date in the file's name", confirm="no column has a time")
    return stand_in("no column is a time in each row")


def stand_in(evidence: str) -> Moment:
    """A constant that a person has to put right."""
    return Moment({"constant": f"{STAND_IN}T00:00:00Z"}, evidence=evidence, confirm="put in when this was")


def _of_column(column: FoundColumn) -> Moment:
    evidence = column.evidence
    if column.epoch is not None:
        return Moment({"epoch": column.epoch.unit}, (column,), evidence=evidence,
                      has_nanoseconds=column.epoch.has_nanoseconds)  # fmt: skip
    if len(column.times) > 1 or not column.times[0].is_padded:
        return _of_expression(column)
    found = column.times[0]
    keys: dict[str, object] = {"remove": column.remove} if column.remove else {}
    if not (found.is_iso and found.has_time):
        keys["format"] = _pattern(found)
    confirm = ""
    if found.is_ambiguous:
        confirm = "day and month could be the other way round"
    if not found.has_offset:
        keys["zone"] = "UTC"
        if not _says_utc(column, found):
            confirm = f"{confirm}; {_NO_OFFSET}" if confirm else _NO_OFFSET
    return Moment(keys, (column,), evidence=evidence, confirm=confirm, has_nanoseconds=found.has_nanoseconds)


def _pattern(found: TimeFormat) -> str:
    return found.pattern


def _says_utc(column: FoundColumn, found: TimeFormat) -> bool:
    words = snake_name(column.header or "").split("_")
    return found.pattern.endswith((" UTC", " GMT", " Z")) or "utc" in words or "gmt" in words


def _of_clock(clock: FoundColumn, day: FoundColumn | None, roles: Roles, path: PathValues) -> Moment | None:
    """A time of day, with its date from another column, the path, or a person."""
    has_date = day is not None and len(day.times) == 1 and day.times[0].is_padded and not day.remove
    if day is not None and not has_date:
        return None
    if roles.since_midnight is None and (clock.clock is None or not clock.clock.is_padded):
        return _unpadded_clock(clock, day)
    confirm = _NO_OFFSET
    date_part: str | FoundColumn
    if day is not None:
        date_format, date_part = day.times[0].pattern, day
        evidence = f"{day.label} and {clock.label}: {clock.evidence}"
        if day.times[0].is_ambiguous:
            confirm += "; day and month could be the other way round"
    elif path.date_format:
        date_format, date_part = path.date_format, "{path:date}"
        evidence = f"the date in the file's name and {clock.label}: {clock.evidence}"
    else:
        date_format, date_part = "%Y-%m-%d", STAND_IN
        evidence, confirm = (
            f"{clock.label}: {clock.evidence}",
            f"no date is known: put in that of the file; {_NO_OFFSET}",
        )
    keys: dict[str, object] = {}
    if roles.since_midnight is not None:
        if date_format != "%Y-%m-%d":
            keys["format"] = date_format
        keys["since_midnight"] = roles.since_midnight
        has_nanoseconds = clock.numbers is not None and clock.numbers.decimals > {"s": 6, "ms": 3}[roles.since_midnight]
    else:
        assert clock.clock is not None
        keys["format"] = f"{date_format} {clock.clock.pattern}"
        has_nanoseconds = clock.clock.has_nanoseconds
    keys["zone"] = "UTC"
    cells = (clock,) if day is None else (day, clock)
    template: tuple[str | FoundColumn, ...] = (date_part, " ", clock)
    return Moment(keys, cells, template, evidence=evidence, confirm=confirm, has_nanoseconds=has_nanoseconds,
                  uses_path=day is None and bool(path.date_format))  # fmt: skip


def _unpadded_clock(clock: FoundColumn, day: FoundColumn | None) -> Moment | None:
    if day is None or clock.clock is None or clock.clock.pattern not in {"%H:%M:%S%.f", "%H:%M"}:
        return None
    pattern = f"{day.times[0].pattern} {clock.clock.pattern}"
    return Moment(
        {},
        (day, clock),
        expression=f"STRPTIME({{0}} || ' ' || {{1}}, '{pattern}')",
        evidence=f"{day.label} and {clock.label}, whose hours have one or two digits",
        confirm=f"taken for UTC: {_NO_OFFSET}",
    )


def _of_expression(column: FoundColumn) -> Moment:
    """Times in several styles, or without leading zeros: SQL makes one style of them."""
    styles = formats_in_words(column.times)
    confirm = f"taken for UTC: {_NO_OFFSET}"
    if any(found.is_ambiguous for found in column.times):
        confirm += ", and day and month could be the other way round"
    evidence = (
        f"{column.label}: mixed styles, {styles}"
        if len(column.times) > 1
        else f"{column.label}: {styles}, no leading zeros"
    )
    sql = _one_style(column)
    if not sql:
        return Moment({"constant": f"{STAND_IN}T00:00:00Z"}, evidence=f"{evidence}, which is no one style",
                      confirm="put in when this was")  # fmt: skip
    return Moment({}, (column,), expression=sql, evidence=evidence, confirm=confirm)


def _one_style(column: FoundColumn) -> str:
    patterns = [found.pattern for found in column.times]
    if len(patterns) == 1:
        return f"STRPTIME({{0}}, '{patterns[0]}')"
    dates = {"%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y-%m-%d"}
    iso = {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"}
    if set(patterns) <= iso:
        text = "SUBSTR(REPLACE({0}, 'T', ' ') || ' 00:00:00', 1, 19)"
        return (
            f"STRPTIME({text}, '%Y-%m-%d %H:%M:%S')"
            if not any("%H:%M" in p and "%S" not in p for p in patterns)
            else ""
        )
    if not set(patterns) <= dates or column.kind != Kind.DATE:
        return ""
    cases = []
    for pattern in patterns:
        if pattern == "%Y-%m-%d":
            continue
        mark = pattern[2]
        order = {"d": 1, "m": 2} if pattern.startswith("%d") else {"m": 1, "d": 2}
        parts = " || '-' || ".join(f"SPLIT_PART({{0}}, '{mark}', {place})" for place in (3, order["m"], order["d"]))
        cases.append((mark, parts))
    if len({mark for mark, _ in cases}) < len(cases) or any(mark == "-" for mark, _ in cases):
        return ""
    whens = " ".join(f"WHEN STRPOS({{0}}, '{mark}') > 0 THEN {parts}" for mark, parts in cases)
    return f"STRPTIME(CASE {whens} ELSE {{0}} END, '%Y-%m-%d')"
