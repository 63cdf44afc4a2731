"""The pieces of what is shown: text that is safe in HTML, tables, the balance of a run, what to do next."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trade_ingest.cli.display import STATE_COLOURS, counted, format_time, printable
from trade_ingest.ledger.connection import mask_secrets

if TYPE_CHECKING:
    from trade_ingest.ledger.queries import RunRow
    from trade_ingest.run import RunResult

COLOURS = {"green": "#2a8f4f", "red": "#d1453b", "yellow": "#b07412", "cyan": "#2f81c4"}
"""Of states; each is legible on white and on black. The word beside it always says the same."""

# No colour of text or background: both are the notebook's. Digits of one width make columns of numbers comparable.
_STYLE = """<style>
.trade-ingest{font-size:13px;line-height:1.45;font-variant-numeric:tabular-nums;max-width:100%;overflow-x:auto}
.trade-ingest h4{font-size:14px;margin:.6em 0 .3em}
.trade-ingest p{margin:.3em 0}
.trade-ingest table{border-collapse:collapse;margin:.5em 0;font-size:13px}
.trade-ingest th,.trade-ingest td{padding:.2em .7em;border:0;border-bottom:1px solid rgba(128,128,128,.3);
text-align:left;vertical-align:top;background:none;color:inherit}
.trade-ingest th{font-weight:600;white-space:nowrap}
.trade-ingest .number{text-align:right;white-space:nowrap}
.trade-ingest .time{white-space:nowrap}
.trade-ingest td{overflow-wrap:break-word}
.trade-ingest td code{white-space:nowrap}
.trade-ingest .quiet{opacity:.7}
.trade-ingest .state{font-weight:600;white-space:nowrap}
.trade-ingest code{font-size:12px;background:rgba(128,128,128,.15);color:inherit;padding:.05em .3em;border-radius:3px}
.trade-ingest pre{font-size:12px;margin:0;white-space:pre-wrap;overflow-wrap:anywhere;background:none;color:inherit}
.trade-ingest mark{background:none;color:inherit;font-weight:700;outline:2px solid #d1453b;outline-offset:1px}
.trade-ingest .bar{display:inline-block;height:.7em;background:#2f81c4;min-width:1px}
</style>"""


@dataclass(frozen=True, slots=True)
class View:
    """Something to see.

    Attributes:
        text: what it says, for a terminal.
        body: the same as HTML, with all data escaped.
    """

    text: str
    body: str

    def _repr_html_(self) -> str:
        return f'{_STYLE}<div class="trade-ingest">{self.body}</div>'

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        heading: its name.
        cell: the HTML of a row's cell.
        is_number: aligned to the right.
    """

    heading: str
    cell: Callable[[Any], str]
    is_number: bool = False


def escaped(value: object) -> str:
    """A value as HTML: escaped, control characters shown, instants in UTC, empty for None."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f'<span class="time">{html.escape(format_time(value))}</span>'
    return html.escape(printable(str(value)))


def masked(value: object) -> str:
    """Text that may hold a URL with a password, as HTML."""
    return "" if value is None else escaped(mask_secrets(str(value)))


def count(value: int) -> str:
    """``1234567`` as ``1,234,567``."""
    return f"{value:,}"


def state(word: str) -> str:
    """The word of a state in its colour."""
    colour = COLOURS.get(STATE_COLOURS.get(word, ""))
    style = f' style="color:{colour}"' if colour else ""
    return f'<span class="state"{style}>{escaped(word.replace("_", " "))}</span>'


def heading(text: str) -> str:
    """A heading; the text is HTML."""
    return f"<h4>{text}</h4>"


def line(text: str, *, is_quiet: bool = False) -> str:
    """A line of text, which is HTML."""
    return f'<p class="quiet">{text}</p>' if is_quiet else f"<p>{text}</p>"


def table(columns: Sequence[Column], rows: Iterable[Any]) -> str:
    """A table with one row for each object."""
    head = "".join(_cell("th", column, escaped(column.heading)) for column in columns)
    body = "".join(
        "<tr>" + "".join(_cell("td", column, column.cell(row)) for column in columns) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(tag: str, column: Column, content: str) -> str:
    kind = ' class="number"' if column.is_number else ""
    return f"<{tag}{kind}>{content}</{tag}>"


def next_step(words: str, code: str) -> str:
    """What to do next, with the Python that does it."""
    return line(f"{escaped(words)}: <code>{escaped(code)}</code>", is_quiet=True)


def empty(what: str, words: str, code: str) -> View:
    """Nothing to show, and what to do about it."""
    return View(f"{what}; {words}: {code}", line(escaped(what)) + next_step(words, code))


@dataclass(frozen=True, slots=True)
class Balance:
    """What became of the rows that were read."""

    rows_read: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int

    @classmethod
    def of(cls, run: RunResult | RunRow) -> Balance:
        """The balance of a run."""
        return cls(run.rows_read, run.rows_loaded, run.rows_duplicate, run.rows_rejected)

    @property
    def gap(self) -> int:
        """Rows that are not accounted for."""
        return self.rows_read - self.rows_loaded - self.rows_duplicate - self.rows_rejected

    @property
    def verdict(self) -> str:
        """Whether each row is accounted for."""
        if self.gap == 0:
            return "✓ balanced"
        return f"✗ {counted(abs(self.gap), 'row')} {'missing' if self.gap > 0 else 'too many'}"

    def __str__(self) -> str:
        return (
            f"{self.rows_read:,} read = {self.rows_loaded:,} loaded + {self.rows_duplicate:,} duplicate"
            f" + {self.rows_rejected:,} rejected  {self.verdict}"
        )

    @property
    def html(self) -> str:
        """The line as HTML."""
        colour = COLOURS["red" if self.gap else "green"]
        return line(
            f"<b>{self.rows_read:,}</b> read = <b>{self.rows_loaded:,}</b> loaded + <b>{self.rows_duplicate:,}</b>"
            f" duplicate + <b>{self.rows_rejected:,}</b> rejected"
            f' <span class="state" style="color:{colour}">{self.verdict}</span>'
        )
