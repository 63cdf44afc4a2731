"""How far a run is: counted here, shown as a live display on a terminal and as a line now and then elsewhere."""

from __future__ import annotations

import os
import sys
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from trade_ingest.cli.display import (
    counted,
    format_bytes,
    format_count,
    format_rough_seconds,
    is_terminal,
    printable,
    shortened,
    terminal_width,
    text_width,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from trade_ingest.ledger.events import Event
    from trade_ingest.ledger.progress import Progress
    from trade_ingest.plan import Plan

LINE_SECONDS = 10.0
"""How often a line is written where there is no terminal."""

_BAR_WIDTH = 20
_LEAST_NAME, _MOST_NAME = 12, 48  # columns of a file's name
_ECHO_WIDTH = 3  # room for the ^C that a terminal shows: a full line would wrap and spoil the display
_SHOWN_FILES = 8  # more would scroll; the total has them all
_RATE_AFTER_SECONDS = 1.0  # rates over less mean nothing


@dataclass
class RunProgress:
    """A run's counts from its events; ``clock`` gives seconds."""

    clock: Callable[[], float] = time.monotonic
    files_planned: int = 0
    files_done: int = 0
    files_failed: int = 0
    bytes_planned: int = 0
    bytes_done: int = 0
    rows_done: int = 0
    rejects_done: int = 0
    is_stopping: bool = False
    active: dict[int, Progress] = field(default_factory=dict)
    started: float = 0.0
    planning: str = "listing …"

    def note_planning(self, stage: str, files: int) -> None:
        """So many files are listed; see ``pipeline.OnPlanning``."""
        found = counted(files, "file")
        self.planning = f"listing: {found} …" if stage == "listing" else f"comparing {found} with the ledger …"

    def note_plan(self, plan: Plan) -> None:
        """The run knows what it will load."""
        self.planning = ""
        self.started = self.clock()
        self.files_planned = len(plan.to_load)
        self.bytes_planned = plan.bytes_to_load

    def note_progress(self, progress: Progress) -> None:
        """A file is being loaded."""
        self.active[progress.file_id] = progress

    def note_event(self, event: Event) -> None:
        """A file has ended, if the event says so."""
        kind = event.kind.value
        if kind not in {"file_loaded", "file_failed", "file_skipped"}:
            return
        detail: Mapping[str, Any] = event.detail
        if event.file_id is not None:
            self.active.pop(event.file_id, None)
        self.files_done += 1
        self.files_failed += kind == "file_failed"
        self.bytes_done += int(detail.get("size_bytes", 0))
        self.rows_done += int(detail.get("rows_read", 0))
        self.rejects_done += int(detail.get("rows_rejected", 0))

    @property
    def bytes_read(self) -> int:
        """Bytes of files that have ended and of those being loaded."""
        return self.bytes_done + sum(p.bytes_read for p in self.active.copy().values())

    @property
    def rows_read(self) -> int:
        """Rows of files that have ended and of those being loaded."""
        return self.rows_done + sum(p.rows_read for p in self.active.copy().values())

    @property
    def rows_rejected(self) -> int:
        """Rejects of files that have ended and of those being loaded."""
        return self.rejects_done + sum(p.rows_rejected for p in self.active.copy().values())

    @property
    def seconds(self) -> float:
        """Seconds since loading began."""
        return self.clock() - self.started

    @property
    def seconds_left(self) -> float | None:
        """The time that the other bytes will take at the rate so far; None if that cannot be told."""
        if self.seconds < _RATE_AFTER_SECONDS or not self.bytes_read:
            return None
        return max(self.bytes_planned - self.bytes_read, 0) * self.seconds / self.bytes_read

    def summary(self) -> str:
        """The total as one line; what matters most comes first, since a narrow terminal cuts the rest."""
        if self.planning:
            return self.planning
        parts = [f"{self.files_done:,}/{counted(self.files_planned, 'file')}"]
        if self.files_failed:
            parts[0] += f" ({self.files_failed:,} failed)"
        parts.append(f"{format_bytes(self.bytes_read)} of {format_bytes(self.bytes_planned)}")
        if self.seconds_left is not None:
            parts.append(f"ETA {format_rough_seconds(self.seconds_left)}")
        parts.append(counted(self.rows_rejected, "reject"))
        if self.seconds >= _RATE_AFTER_SECONDS:
            parts.append(f"{format_count(round(self.rows_read / self.seconds))} rows/s")
            parts.append(f"{format_bytes(self.bytes_read / self.seconds)}/s")
        return ", ".join(parts)


class ProgressView(AbstractContextManager["ProgressView"]):
    """Shows a run's progress on stderr while the context is open."""

    def __init__(self, progress: RunProgress) -> None:
        self.progress = progress

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def note_planning(self, stage: str, files: int) -> None:
        """So many files are listed."""
        self.progress.note_planning(stage, files)
        self.update()

    @abstractmethod
    def update(self) -> None:
        """The counts have changed."""

    def announce(self, message: str) -> None:
        """Say something at once, also from a signal handler."""
        # print() must not be entered again while it prints, which a signal handler may do
        os.write(sys.stderr.fileno(), f"{message}\n".encode())


class NoProgress(ProgressView):
    """Shows nothing; ``--quiet``."""

    def update(self) -> None:
        """Do nothing."""


class LineProgress(ProgressView):
    """A line every ten seconds."""

    def __init__(self, progress: RunProgress) -> None:
        super().__init__(progress)
        self._written_at = progress.clock()

    def update(self) -> None:
        """Write a line if the last one is old enough."""
        now = self.progress.clock()
        if now - self._written_at >= LINE_SECONDS:
            self._written_at = now
            print(self.progress.summary(), file=sys.stderr, flush=True)  # noqa: T201


class LiveProgress(ProgressView):
    """A line per file that is being loaded and one for the total, redrawn four times a second."""

    def __init__(self, progress: RunProgress) -> None:
        super().__init__(progress)
        self._live: Live | None = None
        self._message = ""

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=sys.stderr, highlight=False)
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=4, transient=True)
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
        if self._message:
            print(self._message, file=sys.stderr)  # noqa: T201

    def update(self) -> None:
        """Do nothing: the display redraws itself."""

    def announce(self, message: str) -> None:
        """Show the message below the total from the next redrawing on."""
        self._message = message

    def _render(self) -> RenderableType:
        from rich.text import Text

        width = terminal_width() - _ECHO_WIDTH
        progress = self.progress
        active = sorted(progress.active.copy().values(), key=lambda p: p.uri)
        lines = [_file_line(p, width) for p in active[:_SHOWN_FILES]]
        if len(active) > _SHOWN_FILES:
            lines.append(f"  and {len(active) - _SHOWN_FILES} more")
        if progress.files_planned:
            lines.append(f"{_bar(progress.bytes_read, progress.bytes_planned)} {progress.summary()}")
        elif progress.planning:
            lines.append(progress.planning)
        if self._message:
            lines.append(self._message)
        return Text("\n".join(shortened(line, width) for line in lines), no_wrap=True)


def progress_view(progress: RunProgress, *, is_quiet: bool) -> ProgressView:
    """The view that suits stderr."""
    if is_quiet:
        return NoProgress(progress)
    return LiveProgress(progress) if is_terminal(sys.stderr) else LineProgress(progress)


def _file_line(progress: Progress, width: int) -> str:
    rejects = f"  {counted(progress.rows_rejected, 'reject')}" if progress.rows_rejected else ""
    stage = "" if progress.stage == "loading" else f"  {progress.stage}"
    percent = 100 * progress.bytes_read // max(progress.size_bytes, 1)
    figures = (
        f"  {_bar(progress.bytes_read, progress.size_bytes)} {percent:>3} % of {format_bytes(progress.size_bytes):>8}"
        f"  {progress.rows_read:>13,} rows{rejects}{stage}"
    )
    room = min(max(width - text_width(figures), _LEAST_NAME), _MOST_NAME)
    name = shortened(printable(progress.uri), room, keep="end")
    return f"{name}{' ' * (room - text_width(name))}{figures}"


def _bar(part: float, whole: float) -> str:
    filled = min(round(_BAR_WIDTH * part / whole), _BAR_WIDTH) if whole else _BAR_WIDTH
    return f"{'━' * filled}{'╌' * (_BAR_WIDTH - filled)}"
