"""What a file must look like and where its rows go.

A contract is data: it is written in YAML, validated here, stored in the ledger with its version, and is all that the
parser and the loader know about a feed. Nothing is inferred at load time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from trade_ingest.contract.consistency import column_problems, contract_problems, format_problems
from trade_ingest.contract.problems import Inconsistency, joined
from trade_ingest.contract.types import RESERVED_COLUMNS as RESERVED_COLUMNS  # noqa: PLC0414 - one of this module's names
from trade_ingest.contract.types import ValueType

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
"""A lower-case SQL identifier of at most 63 bytes."""

OneCharacter = Annotated[str, StringConstraints(min_length=1, max_length=1)]

COLLECT = {"collect": True}
"""Validation context of a caller that looks for inconsistencies itself, to list all of them with their lines."""

CHECKS = ("iso4217", "isin", "cusip", "sedol", "figi", "lei", "iban", "bic")
"""Named checks of a text column: code lists and check digits."""


class Model(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)


def _refuse(findings: Iterable[Inconsistency], info: ValidationInfo) -> None:
    """Refuse a model for its inconsistencies, unless the caller lists them itself."""
    if info.context is not COLLECT and (message := joined(findings)):
        raise ValueError(message)


class OnChanged(StrEnum):
    """What to do with a loaded file whose content has changed."""

    REPLACE = "replace"
    SKIP = "skip"
    APPEND = "append"
    FAIL = "fail"


class Trailer(Model):
    """A last record that is not data and, if it carries a count, proves that the file is whole."""

    pattern: str = Field(description="Regular expression that the whole last line matches; group `rows` is its count.")
    counts: Literal["rows", "lines"] = Field("rows", description="`rows`: data rows; `lines`: header and trailer too.")
    required: bool = Field(default=True, description="A file without the trailer fails: it is likely truncated.")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        return _checked_regex(value)


class FileFormat(Model):
    """How the bytes of a file are to be read."""

    delimiter: OneCharacter = Field(",", description="The character between fields.")
    quote: OneCharacter | None = Field('"', description="The quote character; null: quotes are ordinary characters.")
    escape: OneCharacter | None = Field(None, description="Escapes the next character; null: a quote is doubled.")
    header: bool = Field(default=True, description="The first record names the columns; false: columns by position.")
    encoding: str = Field("utf-8", description="Text encoding; a byte order mark is recognised and removed.")
    null_tokens: tuple[str, ...] = Field(
        ("",), description="Cells that mean NULL. The empty token does not match a quoted empty text cell."
    )
    decimal_mark: Literal[".", ","] = Field(".", description="The decimal mark of numbers.")
    thousands_mark: OneCharacter | None = Field(None, description="A mark between groups of three digits.")
    trim: bool = Field(default=False, description="Remove blanks around cells before anything else.")
    preamble_lines: int = Field(0, ge=0, description="Lines to pass over before the header.")
    comment_prefix: str | None = Field(None, min_length=1, description="Lines that start with it are no rows.")
    ignore_records: str | None = Field(
        None,
        min_length=1,
        description="Regular expression: records whose text it matches from the start are no rows, such as those of"
        " other kinds than trades; with it, repetitions of the header are none, either.",
    )
    trailer: Trailer | None = Field(None, description="A last record that is not data.")
    compression: Literal["auto", "none", "gzip", "zstd", "bz2", "xz", "lz4"] = Field(
        "auto", description="`auto` looks at the first bytes, never at the name."
    )
    max_record_bytes: int = Field(1 << 20, ge=64, le=1 << 26, description="A longer record is rejected.")

    @field_validator("ignore_records")
    @classmethod
    def _ignored_compile(cls, value: str | None) -> str | None:
        return value if value is None else _checked_regex(value)

    @field_validator("encoding")
    @classmethod
    def _is_known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError as exc:
            raise ValueError(f"unknown text encoding {value!r}") from exc
        return value

    @model_validator(mode="after")
    def _is_consistent(self, info: ValidationInfo) -> Self:
        _refuse(format_problems(self), info)
        return self


@dataclass(frozen=True, slots=True)
class TemplatePart:
    """A text as it is, or what stands in braces: one of the four is given.

    An optional cell may be NULL: it is then nothing in the text.
    """

    literal: str | None = None
    header_name: str | None = None
    position: int | None = None
    path_group: str | None = None
    is_optional: bool = False


_PLACE = re.compile(r"\{([^{}]+)\}")


def parse_template(template: str) -> tuple[TemplatePart, ...]:
    """The parts of a template.

    Raises:
        ValueError: it has no placeholder, or a brace that is not one's.
    """
    parts: list[TemplatePart] = []
    for i, text in enumerate(_PLACE.split(template)):
        if not i % 2:
            if "{" in text or "}" in text:
                raise ValueError(f"{template!r} has a brace that belongs to no pair")
            if text:
                parts.append(TemplatePart(literal=text))
        elif text.startswith("path:"):
            parts.append(TemplatePart(path_group=text.removeprefix("path:")))
        else:
            parts.append(_cell_part(text))
    if all(part.literal is not None for part in parts):
        raise ValueError(f"{template!r} has no placeholder such as {{Date}}, {{1}} or {{path:date}}")
    return tuple(parts)


def _cell_part(text: str) -> TemplatePart:
    name = text.removesuffix("?")
    is_optional = name != text
    if not name:
        raise ValueError(f"{{{text}}} names no cell")
    if name.isdecimal() and int(name):
        return TemplatePart(position=int(name), is_optional=is_optional)
    return TemplatePart(header_name=name, is_optional=is_optional)


class Column(Model):
    """One column of the target and where its value comes from.

    Exactly one of: ``source`` (header names), ``position`` (1-based), ``template`` (several cells), ``members`` (cells
    as JSON), ``path_group`` (a named group of the contract's ``path``), ``constant``, or ``expression`` (Polars SQL
    over the columns before it). With a header and none of them, the column's own name is its source.
    """

    name: Identifier = Field(description="The target column.")
    type: str = Field(description="text, integer, decimal(p,s), boolean, date, timestamp, uuid, enum or json.")
    source: tuple[str, ...] = Field((), description="The header name(s) of the column: any one of them.")
    position: int | None = Field(None, ge=1, description="The 1-based position, in files without a header.")
    template: str | None = Field(
        None,
        description="A cell made of several: `{Date} {Time}` with names of the header, `{1} {2}` with positions,"
        " `{path:date}` for a named group of `path`. NULL if one of them is, other than one written `{Suffix?}`.",
    )
    members: dict[str, str] | Literal["rest", "all"] | None = Field(
        None,
        description="json: an object of cells as texts, by name: header name or position; empty cells are left out."
        " `rest`: all cells of the header that no other column takes; `all`: those too.",
    )
    path_group: str | None = Field(None, description="The named group of `path` that holds the value.")
    constant: str | None = Field(None, description="The same value in each row, written as it would be in a cell.")
    expression: str | None = Field(None, description="Polars SQL over columns declared before this one.")
    required: bool = Field(default=True, description="NULL is rejected and the header must have the column.")
    description: str = Field("", description="Becomes the column's comment in the database.")

    null_tokens: tuple[str, ...] | None = Field(None, description="Instead of the format's null tokens.")
    remove: str | None = Field(
        None, min_length=1, description="Regular expression of what is taken out of the cell, such as `[€+]`."
    )
    multiply_by: Decimal | None = Field(
        None, gt=0, allow_inf_nan=False, description="decimal: what the number in the cell is multiplied by, exactly."
    )
    round: bool = Field(
        default=False,
        description="decimal: a number with more decimals than the type has is rounded, half to even, instead of"
        " rejected, as for numbers that went through binary floating point. `members: rest` takes its cell too, so"
        " that it is kept as delivered.",
    )
    true_tokens: tuple[str, ...] = Field(("true", "True", "TRUE", "t", "1"), description="boolean: cells for true.")
    false_tokens: tuple[str, ...] = Field(
        ("false", "False", "FALSE", "f", "0"), description="boolean: cells for false."
    )
    values: tuple[str, ...] | dict[str, str] = Field((), description="enum: legal cells, or cell → stored value.")
    format: str | None = Field(None, description="date and timestamp: `iso` (default) or a strptime pattern.")
    epoch: Literal["s", "ms", "us", "ns", "auto"] | None = Field(
        None, description="timestamp as a number since 1970; `auto` tells ms, us and ns apart by magnitude."
    )
    since_midnight: Literal["s", "ms", "us", "ns"] | None = Field(
        None,
        description="timestamp: the cell is a date by `format`, a blank, and such units of the zone's clock since"
        " midnight; see `template`.",
    )
    zone: str | None = Field(None, description="timestamp without offset: the IANA zone of the source.")
    nanoseconds: Identifier | None = Field(None, description="timestamp: a bigint column for the epoch nanoseconds.")

    min: str | int | Decimal | None = Field(None, description="Least legal value.")
    max: str | int | Decimal | None = Field(None, description="Greatest legal value.")
    greater_than: str | int | Decimal | None = Field(None, description="Values must be above this.")
    less_than: str | int | Decimal | None = Field(None, description="Values must be below this.")
    max_length: int | None = Field(None, ge=1, description="text: most characters.")
    regex: str | None = Field(None, description="text: the whole value must match.")
    check: Literal["iso4217", "isin", "cusip", "sedol", "figi", "lei", "iban", "bic"] | None = Field(
        None, description="text: a code list or a check digit."
    )

    @field_validator("source", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("type")
    @classmethod
    def _is_a_type(cls, value: str) -> str:
        return str(ValueType.parse(value))

    @field_validator("template")
    @classmethod
    def _template_parses(cls, value: str | None) -> str | None:
        if value is not None:
            parse_template(value)
        return value

    @field_validator("regex", "remove")
    @classmethod
    def _regex_compiles(cls, value: str | None) -> str | None:
        return value if value is None else _checked_regex(value)

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (KeyError, ValueError, OSError) as exc:
                raise ValueError(
                    f"unknown time zone {value!r}; use an IANA name such as America/New_York or UTC"
                ) from exc
        return value

    @model_validator(mode="after")
    def _is_consistent(self, info: ValidationInfo) -> Self:
        _refuse(column_problems(self), info)
        return self

    @property
    def value_type(self) -> ValueType:
        """The parsed ``type``."""
        return ValueType.parse(self.type)

    @property
    def is_from_file(self) -> bool:
        """Whether the value is a cell of the file, or made of some."""
        return self.path_group is None and self.constant is None and self.expression is None

    @property
    def is_one_cell(self) -> bool:
        """Whether the value is one cell of the file."""
        return self.is_from_file and self.template is None and self.members is None

    @property
    def template_parts(self) -> tuple[TemplatePart, ...]:
        """What ``template`` consists of, in order; empty without one."""
        return () if self.template is None else parse_template(self.template)

    @property
    def header_names(self) -> tuple[str, ...]:
        """The header names that mean this column, in order of preference."""
        return self.source or (self.name,)


class RowRule(Model):
    """A condition on a whole row.

    A row for which it is false is rejected with the rule's name as code, a row for which it cannot be evaluated (a cast
    that fails, more digits than a decimal has) with ``expression_failed``.
    """

    name: Identifier = Field(description="The code of the rejects.")
    expression: str = Field(description="Polars SQL; true or NULL keeps the row, as in a SQL CHECK.")


class CurrentView(Model):
    """A view of the latest version of each thing whose states the target keeps."""

    name: Identifier = Field(description="The view, in the table's schema.")
    by: tuple[Identifier, ...] = Field(min_length=1, description="What identifies the thing.")
    latest: Identifier = Field(description="The column that orders its versions.")


class Target(Model):
    """The table that takes the rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_name: Identifier = Field(
        "public", alias="schema", description="The schema; not `ingest`, nor one of PostgreSQL's."
    )
    # the names of partitions (_p20240131) and of the table of replaced rows (_replaced) are made from it: 63 in all
    table: Identifier = Field(max_length=53, description="The table; made from the contract if it does not exist.")
    layout: Literal["trade_print"] | None = Field(
        None, description="A shared table layout, so that several feeds go into one table."
    )
    partition_by: Literal["day", "month", "year", "none"] = Field(
        "month", description="Range partitions by event time."
    )
    current_view: CurrentView | None = Field(None, description="A view of each thing's latest version.")

    @property
    def qualified_name(self) -> str:
        """``schema.table``, as stored in the ledger."""
        return f"{self.schema_name}.{self.table}"


class RejectLimit(Model):
    """A file fails when it has more rejects than both limits allow."""

    max_count: int = Field(10, ge=0, description="As many rejects are always tolerated.")
    max_ratio: float = Field(
        0.01, ge=0, le=1, allow_inf_nan=False, description="Rejects / rows read that is tolerated."
    )

    def as_option(self) -> str:
        """The limit as ``--max-rejects`` takes it: ``10,1%``."""
        percent = f"{self.max_ratio * 100:.10f}".rstrip("0").rstrip(".")
        return f"{self.max_count},{percent}%"

    def is_exceeded(self, rejected: int, read: int) -> bool:
        """Whether ``rejected`` of ``read`` rows are too many."""
        return rejected > self.max_count and rejected > self.max_ratio * read


class Delivery(Model):
    """How to tell that a file was delivered whole; files that are not are skipped, and told, until they are."""

    settle_seconds: int = Field(0, ge=0, description="A file that changed within so many seconds is left for later.")
    marker: str | None = Field(
        None,
        min_length=1,
        description="The file beside a file without which it is left for later: `_SUCCESS`, `../_SUCCESS` in the folder"
        " above, or `{name}.done`, where `{name}` is the file's name.",
    )
    manifest: str | None = Field(
        None,
        min_length=1,
        description="The file of each folder that lists its files: names, lines of `md5sum`, or JSON with `entries`."
        " Only these are loaded, and none before all are there.",
    )
    checksum: Literal["auto", "required", "off"] = Field(
        "auto",
        description="`auto`: where a `.CHECKSUM`, `.sha256`, `.sha1` or `.md5` stands beside a file, the file must"
        " be as it says; `required`: a file without one is left for later; `off`: not looked at.",
    )

    @field_validator("marker", "manifest")
    @classmethod
    def _is_a_name(cls, value: str | None, info: ValidationInfo) -> str | None:
        pattern = r"(\.\./)*[^/{}*?\[\]]+|\{name\}[^/{}*?\[\]]+"
        is_known = value is None or re.fullmatch(pattern, value) is not None
        if not is_known or (value and info.field_name == "manifest" and "{" in value):
            known = "a name, or a name after ../" + (", or {name} and an ending" if info.field_name == "marker" else "")
            raise ValueError(f"{value!r} is no name of a file; expected {known}")
        return value


ANY_DELIVERY = Delivery()
"""Takes what is there, and looks at the checksums beside files."""


class Drift(Model):
    """What to do when a header is not the contract's."""

    unknown_columns: Literal["fail", "ignore"] = Field("fail", description="Header names that the contract lacks.")
    missing_optional: Literal["fail", "null"] = Field("null", description="Columns with `required: false`.")

    @field_validator("missing_optional", mode="before")
    @classmethod
    def _plain_null_is_the_word(cls, value: object) -> object:
        return "null" if value is None else value


class About(Model):
    """What a reader must know of a feed beside its columns."""

    source: str = Field(description="Who describes the layout, and where.")
    time_zone: str = Field(description="The zone of its times, and by which clock its files are cut into days.")
    id_scope: str = Field(description="Within what its trade ids are unique.")
    corrections: str = Field(description="How corrections and cancellations are told, if they are.")


class Contract(Model):
    """What a file must look like and where its rows go."""

    name: Identifier = Field(description="What the contract is called, here and in the ledger.")
    version: int = Field(ge=1, description="Counts up with each change.")
    description: str = Field("", description="One line on what the feed is.")
    about: About | None = Field(None, description="What a reader must know of the feed.")
    format: FileFormat = Field(FileFormat(), description="How to read the bytes.")
    columns: tuple[Column, ...] = Field(min_length=1, description="The target's columns, in order.")
    path: str | None = Field(
        None, description="Regular expression searched in the file's URI; named groups are values."
    )
    rules: tuple[RowRule, ...] = Field((), description="Conditions on whole rows.")
    key: tuple[Identifier, ...] = Field(
        (), description="What identifies a row; without it a row is (file, row number)."
    )
    event_time: Identifier = Field(description="The timestamp column that says when the trade or event happened.")
    target: Target = Field(description="The table that takes the rows.")
    rejects: RejectLimit = Field(RejectLimit(), description="How many rejects a file may have.")
    drift: Drift = Field(Drift(), description="What to do when a header is not the contract's.")
    delivery: Delivery = Field(ANY_DELIVERY, description="How to tell that a file was delivered whole.")
    on_changed: OnChanged = Field(
        OnChanged.REPLACE, description="What to do with a loaded file whose content has changed."
    )
    holidays: tuple[date, ...] = Field(
        (), description="Days on which no file is expected, beside the weekdays that the feed never has."
    )
    control_totals: tuple[Identifier, ...] = Field((), description="Numeric columns whose sums are kept per file.")

    @field_validator("path")
    @classmethod
    def _path_compiles(cls, value: str | None) -> str | None:
        return value if value is None else _checked_regex(value)

    @model_validator(mode="after")
    def _is_consistent(self, info: ValidationInfo) -> Self:
        _refuse(contract_problems(self), info)
        return self

    @property
    def file_columns(self) -> tuple[Column, ...]:
        """The columns whose values are cells of the file, in contract order."""
        return tuple(c for c in self.columns if c.is_from_file)

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(c for c in self.columns if c.name == name)


def _checked_regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as exc:
        raise ValueError(f"{pattern!r} is not a regular expression: {exc}") from exc
    return pattern
