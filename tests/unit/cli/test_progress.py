import io
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from trade_ingest.cli import progress as module
from trade_ingest.cli.progress import LineProgress, LiveProgress, NoProgress, RunProgress, progress_view
from trade_ingest.ledger.events import Event, EventKind
from trade_ingest.ledger.progress import Progress


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def planned(clock, *, files=3, size_bytes=3 << 20):
    progress = RunProgress(clock=clock)
    progress.note_plan(SimpleNamespace(to_load=[None] * files, bytes_to_load=size_bytes))
    return progress


def ended(kind, file_id, **detail):
    return Event(kind, 1, file_id, detail, datetime(2024, 1, 1, tzinfo=UTC))


def half_way(clock):
    progress = planned(clock)
    clock.now += 2
    detail = {"size_bytes": 1 << 20, "rows_read": 1000, "rows_rejected": 2}
    progress.note_event(ended(EventKind.FILE_LOADED, 1, **detail))
    progress.note_progress(Progress(2, "/data/b.csv", "loading", 1 << 19, 1 << 20, 400, 1))
    return progress


def test_counts_are_those_of_files_that_ended_and_of_files_in_flight(clock):
    progress = half_way(clock)

    assert progress.summary() == ("1/3 files, 1.5 MiB of 3.0 MiB, ETA 2 s, 3 rejects, 700 rows/s, 768 KiB/s")


def test_file_that_ends_is_counted_once(clock):
    progress = half_way(clock)
    detail = {"size_bytes": 1 << 20, "rows_read": 900, "rows_rejected": 900}

    progress.note_event(ended(EventKind.FILE_FAILED, 2, **detail))
    progress.note_event(ended(EventKind.RUN_ENDED, None))

    assert progress.summary() == (
        "2/3 files (1 failed), 2.0 MiB of 3.0 MiB, ETA 1 s, 902 rejects, 950 rows/s, 1.0 MiB/s"
    )


def test_rates_are_not_shown_before_they_mean_something(clock):
    assert planned(clock).summary() == "0/3 files, 0 B of 3.0 MiB, 0 rejects"


def test_planning_is_shown_until_the_plan_is_there(clock, capsys):
    progress = RunProgress(clock=clock)
    view, live = LineProgress(progress), LiveProgress(progress)
    assert str(live._render()) == "listing …"
    for second in range(1, 21):
        clock.now += 1
        view.note_planning("listing", 42_000 * second)
    view.note_planning("comparing", 840_000)

    assert str(live._render()) == "comparing 840,000 files with the ledger …"
    assert capsys.readouterr().err == "listing: 420,000 files …\nlisting: 840,000 files …\n"
    progress.note_plan(SimpleNamespace(to_load=[None], bytes_to_load=1))
    assert str(live._render()).endswith("0/1 file, 0 B of 1 B, 0 rejects")


def test_line_is_written_every_ten_seconds(clock, capsys):
    progress = planned(clock)
    view = LineProgress(progress)
    for _ in range(25):
        clock.now += 1
        view.update()

    assert len(capsys.readouterr().err.splitlines()) == 2


def test_live_display_has_a_line_per_active_file_and_the_total(clock, monkeypatch):
    monkeypatch.setattr(module, "terminal_width", lambda: 130)
    progress = half_way(clock)
    view = LiveProgress(progress)

    lines = str(view._render()).splitlines()

    assert lines == [
        f"{'/data/b.csv':<48}  ━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌  50 % of  1.0 MiB            400 rows  1 reject",
        "━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌ 1/3 files, 1.5 MiB of 3.0 MiB, ETA 2 s, 3 rejects, 700 rows/s, 768 KiB/s",
    ]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_live_display_fits_narrow_terminals(clock, monkeypatch, width):
    monkeypatch.setattr(module, "terminal_width", lambda: width)
    view = LiveProgress(half_way(clock))
    view.announce("stopping: " + "x" * 100)

    assert max(len(line) for line in str(view._render()).splitlines()) <= width


def test_many_files_in_flight_do_not_fill_the_screen(clock):
    progress = planned(clock, files=50)
    for file_id in range(50):
        progress.note_progress(Progress(file_id, f"/{file_id:02}.csv", "loading", 0, 1, 0, 0))

    lines = str(LiveProgress(progress)._render()).splitlines()

    assert len(lines) == 10
    assert lines[8] == "  and 42 more"


@pytest.mark.parametrize(
    ("is_quiet", "is_terminal", "view"),
    [(True, True, NoProgress), (False, True, LiveProgress), (False, False, LineProgress)],
)
def test_view_suits_the_stream(monkeypatch, is_quiet, is_terminal, view):
    monkeypatch.setattr(module, "is_terminal", lambda _: is_terminal)

    assert type(progress_view(RunProgress(), is_quiet=is_quiet)) is view


def test_live_display_leaves_nothing_but_its_message(clock, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    with LiveProgress(half_way(clock)) as view:
        view.announce("stopping")

    assert stream.getvalue().endswith("stopping\n")
