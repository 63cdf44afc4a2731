"""Charts: a run's throughput, the days of a target, prices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from trade_ingest.cli.display import STATE_COLOURS, counted
from trade_ingest.contract.model import Contract
from trade_ingest.notebook.drawing import INK, Chart, entitle, new_figure, plain, use_thousands
from trade_ingest.notebook.page import COLOURS, View, empty

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trade_ingest.ledger.attempts import RunAttempt
    from trade_ingest.ledger.coverage import DayCoverage
    from trade_ingest.notebook.bars import Bar, Bars

_BLUE, _GREEN, _RED = COLOURS["cyan"], COLOURS["green"], COLOURS["red"]
_POINTS = 60  # of a curve of throughput
_LANES = 40  # workers that are drawn
_WEEK = 7
_DAY_SECONDS = 86400
_SHOWN_WEEKS = 53


def throughput(database: str, run_id: int) -> Chart | View:
    """How many rows a run read each second, and which worker had which file when.

    A file's rows are taken to have been read evenly over the time that it took.

    Raises:
        NotInLedgerError: the ledger has no such run.
    """
    from trade_ingest.ledger.attempts import list_run_attempts
    from trade_ingest.ledger.queries import get_run_row, open_ledger

    with open_ledger(database) as connection:
        get_run_row(connection, run_id)
        attempts = list_run_attempts(connection, run_id)
    if not attempts:
        return empty(f"run {run_id} loaded nothing", "see why", f"nb.run(database, {run_id})")
    began, ended = min(a.started_at for a in attempts), max(a.ended_at for a in attempts)
    seconds = max((ended - began).total_seconds(), 1e-3)
    figure, (above, below) = new_figure(2, height=4.2, ratios=(2, 1))
    edges = [seconds * i / _POINTS for i in range(_POINTS + 1)]
    above.stairs(_rows_per_second(attempts, began, seconds), edges, fill=True, color=_BLUE, alpha=0.7, lw=0)
    above.set(ylabel="rows/s", xlim=(0, seconds), ylim=(0, None))
    _draw_lanes(below, attempts, began)
    below.set(xlabel="seconds since the first file", ylabel="worker", xlim=(0, seconds))
    rows = sum(attempt.rows_read for attempt in attempts)
    text = f"run {run_id}: {counted(rows, 'row')} of {counted(len(attempts), 'file')} in {seconds:.1f} s"
    entitle(above, f"{text}, {rows / seconds:,.0f} rows/s")
    use_thousands(above)
    return Chart(figure, text)


def _rows_per_second(attempts: Sequence[RunAttempt], began: datetime, seconds: float) -> list[float]:
    """The mean of each of ``_POINTS`` equal parts of the time."""
    length = seconds / _POINTS
    totals = [0.0] * _POINTS
    for attempt in attempts:
        start = (attempt.started_at - began).total_seconds()
        end = max((attempt.ended_at - began).total_seconds(), start + 1e-3)
        for i in range(int(start / length), min(_POINTS, int(end / length) + 1)):
            shared = min(end, (i + 1) * length) - max(start, i * length)
            totals[i] += attempt.rows_read * max(shared, 0.0) / (end - start)
    return [total / length for total in totals]


def _draw_lanes(axes: Axes, attempts: Sequence[RunAttempt], began: datetime) -> None:
    workers = sorted({attempt.worker for attempt in attempts})[:_LANES]
    for attempt in attempts:
        if attempt.worker in workers:
            left = (attempt.started_at - began).total_seconds()
            width = (attempt.ended_at - attempt.started_at).total_seconds()
            colour = COLOURS[STATE_COLOURS.get(attempt.state, "cyan")]
            axes.barh(workers.index(attempt.worker), width, left=left, height=0.6, color=colour, ec=INK, lw=0.3)
    axes.set_yticks(range(len(workers)), [str(number + 1) for number in range(len(workers))])
    axes.set_ylim(len(workers) - 0.4, -0.6)
    axes.grid(visible=False)


def coverage(database: str, contract: Contract | str) -> Chart | View:
    """A calendar of the days that a target has rows of; of the last 53 weeks, as the ledger knows it.

    Args:
        database: the URL of the database.
        contract: the contract, or its target as ``schema.table``.

    Raises:
        NotInLedgerError: the ledger has no file of the target.
    """
    from trade_ingest.ledger.coverage import cover_days
    from trade_ingest.ledger.queries import open_ledger

    target = contract if isinstance(contract, str) else contract.target.qualified_name
    with open_ledger(database) as connection:
        days = cover_days(connection, target)
    if not days:
        return empty(f"{target} has no rows", "see its files", f"nb.files(database, target={target!r})")
    return _calendar(target, days)


def _calendar(target: str, days: Sequence[DayCoverage]) -> Chart:
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap

    last = days[-1].date
    monday = max(_monday(days[0].date), _monday(last) - timedelta(weeks=_SHOWN_WEEKS - 1))
    weeks = (last - monday).days // _WEEK + 1
    rows = np.full((_WEEK, weeks), np.nan)
    for day in days:
        if day.date >= monday:
            rows[day.date.weekday(), (day.date - monday).days // _WEEK] = day.rows
    figure, (axes,) = new_figure(1, height=2.2, width=max(6.5, min(9.0, 1.6 + weeks * 0.26)))
    shades = LinearSegmentedColormap.from_list("rows", ["#a9d3b6", _GREEN, "#14532d"])
    grid = [edge - 0.5 for edge in range(weeks + 1)], [edge - 0.5 for edge in range(_WEEK + 1)]
    drawn = axes.pcolormesh(*grid, rows, cmap=shades, vmin=0, edgecolors=INK, linewidth=0.3)
    axes.set_yticks(range(_WEEK), ["Mon", "", "Wed", "", "Fri", "", "Sun"])
    axes.set_xticks(*_month_labels(monday, weeks))
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.grid(visible=False)
    legend = figure.colorbar(drawn, ax=axes, format=lambda value, _: f"{value:,.0f}")
    legend.outline.set_visible(False)
    plain(legend.ax).set_ylabel("rows a day")
    files, total = sum(day.files for day in days), sum(day.rows for day in days)
    text = f"{target}: {counted(len(days), 'day')} with rows from {days[0].date} to {last}, {counted(total, 'row')}"
    mean = files / len(days)
    title = f"{target}, {days[0].date} to {last}: {counted(len(days), 'day')}, {mean:.1f} files a day"
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=10)
    return Chart(figure, text)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _month_labels(monday: date, weeks: int) -> tuple[list[int], list[str]]:
    """The weeks in which a month begins, and the first one; their places and names."""
    labels = {0: f"{monday + timedelta(days=6):%b %Y}"}
    for week in range(1, weeks):
        sunday = monday + timedelta(weeks=week, days=6)
        if sunday.day <= _WEEK and week > 1:
            labels[week] = f"{sunday:%b %Y}" if sunday.month == 1 else f"{sunday:%b}"
    return list(labels), list(labels.values())


def prices(
    rows: Any,  # noqa: ANN401  # a table of any library
    *,
    time: str = "executed_at",
    price: str = "price",
    quantity: str | None = None,
    interval: str | None = None,
    title: str = "",
    most: int = 120,
) -> Chart | View:
    """Prices over time as bars from the lowest to the highest, with ticks for the first and the last of each interval.

    Args:
        rows: a Polars, pandas, Arrow or Spark table, or a list of dicts; of one instrument. Spark's is collected.
        time: the column of the time.
        price: the column of the price.
        quantity: the column of what was traded, drawn below as volume; None: rows are counted instead.
        interval: one of ``1s 5s 15s 1m 5m 15m 1h 4h 1d 1w``; None: the shortest that gives at most ``most`` bars.
        title: what the rows are.
        most: bars at most, where ``interval`` is None.

    Raises:
        UsageError: there is no such column or interval.
    """
    from trade_ingest.notebook.bars import price_bars

    found = price_bars(rows, time=time, price=price, quantity=quantity, interval=interval, most=most)
    if not found.bars:
        return empty("no rows with a time and a price", "see what was loaded", "nb.files(database)")
    figure, (above, below) = new_figure(2, height=4.2, ratios=(3, 1), shares_x=True)
    _draw_bars(above, found)
    above.set(ylabel=price)
    heights = [bar.volume if quantity else bar.rows for bar in found.bars]
    below.bar(_centres(found.bars, found), heights, width=found.seconds * 0.8 / _DAY_SECONDS, color=_BLUE, alpha=0.7)
    below.xaxis_date()
    below.set(ylabel=quantity or "rows")
    use_thousands(below)
    name = title or price
    text = (
        f"{name}: {counted(found.rows, 'row')} in {counted(len(found.bars), 'bar')} of {found.interval},"
        f" {min(bar.low for bar in found.bars):,.6g} to {max(bar.high for bar in found.bars):,.6g}"
    )
    entitle(above, text)
    return Chart(figure, text)


def _draw_bars(axes: Axes, found: Bars) -> None:
    half = found.seconds * 0.4 / _DAY_SECONDS
    for is_up, colour in ((True, _GREEN), (False, _RED)):
        bars = [bar for bar in found.bars if (bar.last >= bar.first) is is_up]
        at = _centres(bars, found)
        axes.vlines(at, [bar.low for bar in bars], [bar.high for bar in bars], color=colour, lw=1.2)
        axes.hlines([bar.first for bar in bars], [x - half for x in at], at, color=colour, lw=1.2)
        axes.hlines([bar.last for bar in bars], at, [x + half for x in at], color=colour, lw=1.2)


def _centres(bars: Sequence[Bar], found: Bars) -> list[float]:
    """The middles of bars' intervals, as matplotlib counts time: in days since 1970."""
    return [(bar.at.timestamp() + found.seconds / 2) / _DAY_SECONDS for bar in bars]
