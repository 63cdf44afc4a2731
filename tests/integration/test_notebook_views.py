"""What notebooks show of a real ledger."""

import psycopg
import pytest

from trade_ingest import notebook as nb
from trade_ingest.errors import NotInLedgerError, UsageError

EMPTY = "ingest(sources, contract=contract, database=database)"


@pytest.fixture
def loaded(desk):
    """Two days: the second repeats a trade of the first, and has a bad row; and a file that fails."""
    desk.write("2024-03-04.csv", [desk.line("a"), desk.line("b")])
    desk.write("2024-03-05.csv", [desk.line("b"), desk.line("c", price=-1), desk.line("d", at="2024-03-05 10:00:00")])
    desk.write("bad.csv", ["1"], header="nothing")
    return desk, desk.ingest()


def test_database_without_a_ledger_names_the_next_step(database_url):
    assert repr(nb.runs(database_url)) == f"no runs; begin one with: {EMPTY}"
    assert repr(nb.files(database_url)) == f"no files; load some with: {EMPTY}"
    assert repr(nb.rejects(database_url)) == "no rejects; see what was loaded: nb.files(database)"


def test_run(loaded):
    desk, result = loaded
    view = nb.run(desk.database, result.run_id)
    html = view._repr_html_()

    assert "rows: 5 read = 3 loaded + 1 duplicate + 1 rejected  ✓ balanced" in repr(view)
    assert "3 planned: 2 loaded, 1 failed" in html
    assert "bad.csv" in html
    assert "bottleneck" in html
    assert "1 reject open" in html
    with pytest.raises(NotInLedgerError):
        nb.run(desk.database, result.run_id + 1)


def test_lists(loaded):
    desk, result = loaded

    assert repr(nb.runs(desk.database)) == "1 run"
    assert repr(nb.runs(desk.database, states=["abandoned"])).startswith("no runs")
    assert repr(nb.files(desk.database)) == "3 files"
    assert repr(nb.files(desk.database, uri="*.csv", states=["loaded"], limit=1)) == "1 file"
    assert repr(nb.rejects(desk.database, run_id=result.run_id)) == "1 reject"
    view = nb.rejects(desk.database, rows=True)
    assert repr(view) == "1 reject"
    assert "c,AAPL,<mark>-1</mark>,3," in view._repr_html_()


def test_throughput(loaded):
    desk, result = loaded
    chart = nb.throughput(desk.database, result.run_id)

    assert repr(chart).startswith(f"run {result.run_id}: 5 rows of 3 files in ")
    assert "<svg" in chart._repr_html_()
    again = desk.ingest("2024-03-04.csv")
    assert repr(nb.throughput(desk.database, again.run_id)).startswith(f"run {again.run_id} loaded nothing")
    with pytest.raises(NotInLedgerError):
        nb.throughput(desk.database, 99)


@pytest.mark.parametrize("by_name", [True, False])
def test_coverage(loaded, by_name):
    desk, _ = loaded
    chart = nb.coverage(desk.database, "public.fill" if by_name else desk.contract)

    assert repr(chart) == "public.fill: 2 days with rows from 2024-03-04 to 2024-03-05, 4 rows"
    with pytest.raises(NotInLedgerError, match=r"no file for public\.other"):
        nb.coverage(desk.database, "public.other")


def test_coverage_of_a_target_without_rows(desk):
    desk.write("bad.csv", ["1"], header="nothing")
    desk.ingest()

    assert repr(nb.coverage(desk.database, desk.contract)).startswith("public.fill has no rows; see its files")


def test_sandbox_empties_its_own_database_and_no_other(desk, tmp_path):
    with nb.open_sandbox("x", folder=tmp_path / "sandbox", database=desk.database) as sandbox:
        (sandbox.trades).mkdir()
        assert sandbox.database == desk.database
    with nb.open_sandbox("x", folder=tmp_path / "sandbox", database=desk.database) as sandbox:
        assert not sandbox.trades.exists()
    with psycopg.connect(desk.database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA trade_ingest_demo")
    desk.load("a.csv", [desk.line("a")])
    with pytest.raises(UsageError, match="has a ledger or trades already"):
        nb.open_sandbox("x", folder=tmp_path / "sandbox", database=desk.database)
