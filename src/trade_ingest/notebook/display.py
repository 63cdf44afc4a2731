"""What to show of a result, whichever kind it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trade_ingest.errors import UsageError
from trade_ingest.notebook.listings import detail_view, files_view, groups_view, rejects_view, runs_view
from trade_ingest.notebook.outcomes import plan_view, reconcile_view, replay_view, run_view
from trade_ingest.notebook.page import View, empty


def show(result: object) -> View:
    """What a public function has returned, as HTML: a plan, a run, a replay, a reconciliation, or rows of the ledger.

    Raises:
        UsageError: it is something else.
    """
    one, many = _views()
    is_list = isinstance(result, list | tuple)
    if is_list and not result:
        return empty("nothing to show", "see what ran", "nb.runs(database)")
    subject: Any = result[0] if isinstance(result, list | tuple) else result
    view = (many if is_list else one).get(type(subject))
    if view is None:
        known = ", ".join(sorted(kind.__name__ for kind in {*one, *many}))
        raise UsageError(f"cannot show a {type(subject).__name__}", hint=f"what can be shown: {known}")
    return view(result)


_Views = Mapping[type, Callable[[Any], View]]


def _views() -> tuple[_Views, _Views]:
    """How to show a result, and how to show a list of them."""
    from trade_ingest.ledger.queries import FileSummary, RunDetail, RunRow
    from trade_ingest.ledger.rejects import RejectGroup, RejectRow
    from trade_ingest.plan import Plan
    from trade_ingest.reconcile import ReconcileResult
    from trade_ingest.replay import ReplayResult
    from trade_ingest.run import RunResult

    one: _Views = {
        Plan: plan_view,
        RunResult: run_view,
        ReplayResult: replay_view,
        ReconcileResult: reconcile_view,
        RunDetail: detail_view,
    }
    many: Mapping[type, Callable[[Sequence[Any]], View]] = {
        RunRow: runs_view,
        FileSummary: files_view,
        RejectGroup: groups_view,
        RejectRow: rejects_view,
    }
    return one, many
