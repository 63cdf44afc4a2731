"""What is shown: escaped, masked, balanced, and with the next step where there is nothing."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trade_ingest import notebook as nb
from trade_ingest.errors import UsageError
from trade_ingest.ledger.rejects import RejectGroup, RejectRow
from trade_ingest.ledger.runs import RUN_COUNTERS, RunState
from trade_ingest.load.task import ErrorInfo, FileResult, FileState
from trade_ingest.notebook.page import Balance, View, escaped, masked
from trade_ingest.plan import Plan, PlannedFile, PlannedFiles, PlanReason
from trade_ingest.reconcile import Mismatch, MismatchKind, ReconciledTarget, ReconcileResult
from trade_ingest.replay import Refusal, ReplayedFile, ReplayResult
from trade_ingest.run import RunResult
from trade_ingest.source.listing import SourceFile

AT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
SCRIPT = "<script>alert('x')</script>"


def html_of(view: View) -> str:
    """What a notebook gets, without the style."""
    return view._repr_html_().partition("</style>")[2]


def words_of(view: View) -> str:
    """Its text without tags, on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", html_of(view)).split())


def planned(uri: str, reason: PlanReason = PlanReason.NEW, explanation: str = "") -> PlannedFile:
    return PlannedFile(SourceFile(uri, "1", 2048, AT), reason, explanation=explanation)


def plan_of(*files: PlannedFile, ignored: tuple[str, ...] = ()) -> Plan:
    to_load, skipped = (PlannedFiles(f for f in files if f.is_loaded is is_loaded) for is_loaded in (True, False))
    return Plan("trade_event", "public.trade_event", to_load, skipped, ignored)


def run_result(*, failed: tuple[FileResult, ...] = (), **counters: int) -> RunResult:
    state = RunState.FAILED if failed else RunState.SUCCEEDED
    counters = dict.fromkeys(RUN_COUNTERS, 0) | counters
    return RunResult(7, state, "trade_event", "public.trade_event", counters, 2.0, list(failed))


def reject(raw_text: str, marks: list[tuple[int, int]]) -> RejectRow:
    reasons = [{"code": "below_min", "column": "price", "value": "-1"}]
    return RejectRow(3, 5, "/data/a.csv", 7, 12, 99, raw_text, reasons, "open", None, None, None, marks)


def test_plan_says_what_is_loaded_and_why_the_rest_is_not():
    plan = plan_of(
        planned("/data/a.csv"),
        planned("/data/b.csv", PlanReason.ALREADY_LOADED, "loaded by run 1"),
        ignored=("/data/notes.md",),
    )
    words = words_of(nb.show(plan))

    assert "1 file to load, 2.0 KiB; 1 skipped (1 already loaded)" in words
    assert "new /data/a.csv" in words
    assert "already loaded /data/b.csv 2.0 KiB loaded by run 1" in words
    assert "the first /data/notes.md" in words
    assert words.endswith("load them: ingest(sources, contract=contract, database=database)")


def test_plan_lists_so_many_files_and_counts_the_rest():
    plan = plan_of(*(planned(f"/data/{i:02d}.csv") for i in range(33)))
    words = words_of(nb.show(plan))

    assert words.count(".csv") == 20
    assert "and 13 more" in words


def test_plan_with_nothing_to_do_says_so():
    plan = plan_of(planned("/a.csv", PlanReason.ALREADY_LOADED))

    assert words_of(nb.show(plan)).endswith("Nothing to do: the ledger has each of these files.")


def test_run_shows_its_balance():
    view = nb.show(run_result(rows_read=1_000, rows_loaded=990, rows_duplicate=4, rows_rejected=6, files_loaded=2))

    assert "1,000 read = 990 loaded + 4 duplicate + 6 rejected ✓ balanced" in words_of(view)
    assert "500 rows/s" in words_of(view)
    assert words_of(view).endswith("see the rejects: nb.rejects(database, run_id=7)")
    assert repr(view) == (
        "run 7 succeeded; files: 2 loaded, 0 skipped, 0 failed;"
        " rows: 1,000 read = 990 loaded + 4 duplicate + 6 rejected  ✓ balanced"
    )


@pytest.mark.parametrize(
    ("loaded", "verdict"), [(9, "✗ 1 row missing"), (4, "✗ 6 rows missing"), (12, "✗ 2 rows too many")]
)
def test_balance_that_does_not_hold_names_the_gap(loaded, verdict):
    balance = Balance(10, loaded, 0, 0)

    assert str(balance).endswith(verdict)
    assert verdict in balance.html
    assert "✓" not in balance.html


def test_run_that_loaded_nothing_says_how_to_find_out_why():
    assert "see why nothing was loaded: nb.show(plan(" in words_of(nb.show(run_result(files_skipped=3)))


def test_failed_file_is_shown_with_its_hint_and_without_passwords():
    error = ErrorInfo("file.header", f"no header {SCRIPT}", "see https://me:secret@host/x", is_retryable=False)
    failed = FileResult(5, "/data/<b>.csv", 10, FileState.FAILED, error=error)
    html = html_of(nb.show(run_result(failed=(failed,), files_failed=1)))

    assert "<script" not in html
    assert "no header &lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in html
    assert "/data/&lt;b&gt;.csv" in html
    assert "https://me:***@host/x" in html
    assert "secret" not in html


def test_replay_preview_says_that_nothing_was_changed():
    file = ReplayedFile("5", "/data/a.csv", 10, 7, 1, 2, {"below_min": 2})
    words = words_of(nb.show(ReplayResult(None, (file,), (Refusal("discarded", 4),), is_preview=True)))

    assert words.startswith("Replay, a preview: nothing was changed 10 rejects tried: 7 would be loaded, 1 duplicate")
    assert "/data/a.csv 10 7 1 2 2 below_min" in words
    assert words.endswith("Not tried rejects why 4 discarded")


def test_reconciliation_lists_the_differences():
    found = Mismatch(MismatchKind.ROWS, 5, "/data/a&b.csv", "10", "9")
    html = html_of(nb.show(ReconcileResult((ReconciledTarget("public.t", 1, 9, (found,), ()),))))

    assert "1 file, 9 rows: 1 difference" in html
    assert "file 5 (/data/a&amp;b.csv): rows in the target: ledger 10, found 9" in html


def test_reject_is_shown_as_delivered_with_its_bad_cells_marked():
    html = html_of(nb.show([reject(f"1,<i>,-1,{SCRIPT}\x00", [(2, 5), (6, 8)])]))

    assert "1,<mark>&lt;i&gt;</mark>,<mark>-1</mark>,&lt;script&gt;" in html
    assert "\\x00" in html
    assert "<script" not in html
    assert "price: <code>below_min</code>" in html


def test_mark_of_an_empty_cell_can_be_seen():
    assert "1,<mark>&nbsp;</mark>,2" in html_of(nb.show([reject("1,,2", [(2, 2)])]))


def test_groups_of_rejects():
    groups = [RejectGroup("below_min", None, 1_200, 3, 1, "<0>"), RejectGroup("null_value", "price", 1, 1, 2, None)]
    words = words_of(nb.show(groups))

    assert "below_min 1,200 3 &lt;0&gt; null_value price 1 1" in words
    assert words.endswith("see the rows: nb.rejects(database, reason=&#x27;below_min&#x27;, rows=True)")


def test_nothing_names_the_next_step():
    assert repr(nb.show([])) == "nothing to show; see what ran: nb.runs(database)"
    assert words_of(nb.show([])) == "nothing to show see what ran: nb.runs(database)"


def test_what_cannot_be_shown_is_refused_with_what_can():
    with pytest.raises(UsageError, match="cannot show a dict") as caught:
        nb.show({"rows": 1})

    assert "Plan" in caught.value.hint
    assert "RunResult" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "html"),
    [
        (None, ""),
        ("a<b>&'\"", "a&lt;b&gt;&amp;&#x27;&quot;"),
        ("a\nb\x1b[0m", "a\\nb\\x1b[0m"),
        (AT, '<span class="time">2024-01-02 03:04:05Z</span>'),
        (3, "3"),
    ],
)
def test_escaped(value, html):
    assert escaped(value) == html


def test_masked_hides_passwords():
    assert masked("postgresql://me:pa<ss@db/x") == "postgresql://me:***@db/x"


def test_sandbox_shows_no_password():
    sandbox = nb.Sandbox(Path("/data/x"), "postgresql://me:secret@db/x")

    assert repr(sandbox) == "sandbox /data/x"


def test_html_fetches_nothing():
    html = nb.show(run_result(rows_read=1, rows_loaded=1))._repr_html_()

    assert not re.search(r"src=|href=|url\(|@import|<script", html)
