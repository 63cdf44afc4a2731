"""Numbers, sizes, times and colours for people."""

from __future__ import annotations

import os
import shutil
import unicodedata
from datetime import UTC, datetime
from typing import IO, Any

_ANSI = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_WIDE = ("W", "F")

STATE_COLOURS = {
    "loaded": "green",
    "succeeded": "green",
    "pass": "green",
    "failed": "red",
    "fail": "red",
    "abandoned": "red",
    "interrupted": "yellow",
    "warn": "yellow",
    "rolled_back": "yellow",
    "running": "cyan",
    "pending": "cyan",
}
"""The colour of a state's word; the word itself always says what the colour says."""


def has_colour(stream: IO[Any]) -> bool:
    """Whether to colour what goes to a stream: NO_COLOR and TERM=dumb forbid, CLICOLOR_FORCE forces it."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in {"", "0"}:
        return True
    return is_terminal(stream)


def is_terminal(stream: IO[Any]) -> bool:
    """Whether a stream is a terminal that can do more than print lines."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def terminal_width() -> int:
    """Columns of the terminal; 80 if unknown."""
    return max(shutil.get_terminal_size().columns, 20)


def styled(text: str, style: str | None, stream: IO[Any]) -> str:
    """The text in a colour or weight, where the stream has them."""
    if style is None or not has_colour(stream):
        return text
    return f"\x1b[{_ANSI[style]}m{text}\x1b[0m"


def format_count(value: int) -> str:
    """``1234567`` as ``1,234,567``."""
    return f"{value:,}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """``1 file``, ``1,200 files``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def format_bytes(size_bytes: float) -> str:
    """A size with its binary unit: ``999 B``, ``1.4 MiB``."""
    size, unit = float(size_bytes), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:  # noqa: PLR2004  # never four digits
        size, unit = size / 1024, unit + 1
    if unit == 0 or size >= 99.95:  # noqa: PLR2004
        return f"{size:.0f} {_UNITS[unit]}"
    return f"{size:.1f} {_UNITS[unit]}"


def format_seconds(seconds: float) -> str:
    """A duration: ``0.12 s``, ``34.5 s``, ``2 min 05 s``, ``3 h 04 min``."""
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.2f} s"
    if seconds < 59.95:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def format_rough_seconds(seconds: float) -> str:
    """A duration that is an estimate: no fractions of a second."""
    return f"{seconds:.0f} s" if seconds < 59.5 else format_seconds(seconds)  # noqa: PLR2004


def format_time(moment: datetime | None) -> str:
    """An instant in UTC, to the second; empty for None."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def format_ratio(part: float, whole: float) -> str:
    """A share in per cent, with enough digits that something is never shown as nothing."""
    if not whole or not part:
        return "0 %"
    percent = 100 * part / whole
    return f"{percent:.1f} %" if percent >= 0.1 else f"{percent:.2g} %"  # noqa: PLR2004


def text_width(text: str) -> int:
    """The columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in _WIDE else 1 for c in text)


def shortened(text: str, width: int, *, keep: str = "start") -> str:
    """The text cut to a width, an ellipsis in place of what is cut; ``keep`` is ``start`` or ``end``."""
    if text_width(text) <= width:
        return text
    kept = text
    while kept and text_width(kept) > width - 1:
        kept = kept[:-1] if keep == "start" else kept[1:]
    return f"{kept}…" if keep == "start" else f"…{kept}"


def printable(text: str) -> str:
    """The text with control characters escaped, so that data can neither move the cursor nor break a line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
