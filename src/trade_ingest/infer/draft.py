"""The parts of a proposed contract, before they are written as YAML."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class DraftColumn:
    """One column of the target.

    Attributes:
        name: in the target.
        type: as a contract spells it.
        keys: its other keys, in order.
        comment: how the type is known.
        confirm: what a person has to look at; empty: nothing.
        of: the file's column that it comes from, by place; empty: from elsewhere.
    """

    name: str
    type: str
    keys: dict[str, object] = field(default_factory=dict)
    comment: str = ""
    confirm: str = ""
    of: tuple[int, ...] = ()


@dataclass(slots=True)
class Draft:
    """A proposed contract.

    Attributes:
        name: of the contract.
        description: one line.
        head: the comment at the top, line by line.
        format: its keys.
        format_comments: why, by key.
        path: the regular expression for the file's path; empty: none.
        path_comment: what it is for.
        columns: of the target, in order.
        key: the columns that identify a row; empty: none.
        key_comment: how unique they are.
        event_time: the column.
        totals: columns whose sums are kept.
        table: of the target.
        layout: of the target; empty: its own.
        target_comment: why.
        ignores_unknown: header names that no column takes pass.
    """

    name: str
    description: str
    head: list[str]
    format: dict[str, object]
    format_comments: dict[str, str]
    columns: list[DraftColumn]
    event_time: str
    table: str
    path: str = ""
    path_comment: str = ""
    key: tuple[str, ...] = ()
    key_comment: str = ""
    totals: tuple[str, ...] = ()
    layout: str = ""
    target_comment: str = ""
    ignores_unknown: bool = False

    @property
    def confirm(self) -> tuple[str, ...]:
        """What a person has to look at, column by column."""
        return tuple(f"{column.name}: {column.confirm}" for column in self.columns if column.confirm)
