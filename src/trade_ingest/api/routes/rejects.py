"""Rejects: read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from trade_ingest.api.access import Scope, needs
from trade_ingest.api.connections import Connections, connections, ledger
from trade_ingest.api.paging import order_of, reply_page
from trade_ingest.api.remembered import remembered_reply
from trade_ingest.api.replies import reply, text_answer
from trade_ingest.api.schemas.rejects import (
    ExportQuery,
    GroupsQuery,
    Reject,
    RejectFiles,
    RejectFilesQuery,
    RejectGroups,
    RejectPage,
    RejectsQuery,
)
from trade_ingest.ledger.export import export_records
from trade_ingest.ledger.known import require_known
from trade_ingest.ledger.reject_pages import (
    REJECTS,
    count_rejects,
    get_reject,
    page_rejects,
    reject_trends,
    rejects_by_file,
)
from trade_ingest.ledger.rejects import RejectFilter, list_rejects

blueprint = APIBlueprint("rejects", __name__, url_prefix="/api/v1/rejects", tag="Rejects")

_PIECE_CHARACTERS = 64 << 10


@blueprint.get("/groups")
@blueprint.input(GroupsQuery, location="query")
@blueprint.output(RejectGroups)
@needs(Scope.READ)
def group_rejects(query_data: GroupsQuery) -> Response:
    """Group rejects by reason, column and contract, with what was found on each day."""
    wanted = query_data.filter
    return remembered_reply(RejectGroups, query_data, lambda: {"items": reject_trends(ledger(), wanted)})


@blueprint.get("/files")
@blueprint.input(RejectFilesQuery, location="query")
@blueprint.output(RejectFiles)
@needs(Scope.READ)
def list_reject_files(query_data: RejectFilesQuery) -> Response:
    """List the files that rejects are of, those with the most first."""

    def count() -> dict[str, Any]:
        found = rejects_by_file(ledger(), query_data.filter, limit=query_data.limit)
        return {"items": found, "files": found[0].files if found else 0}

    return remembered_reply(RejectFiles, query_data, count)


@blueprint.get("")
@blueprint.input(RejectsQuery, location="query")
@blueprint.output(RejectPage)
@needs(Scope.READ)
def list_all_rejects(query_data: RejectsQuery) -> Response:
    """List rejects, newest first, the bad cells marked."""
    is_narrowed = query_data.file_id is not None or query_data.run_id is not None
    order = order_of(REJECTS.sorts, query_data.sort, is_narrowed=is_narrowed)
    return reply_page(
        RejectPage,
        query_data,
        lambda after: page_rejects(
            ledger(),
            query_data.filter,
            order=order,
            after=after,
            limit=query_data.limit,
        ),
        count=lambda: count_rejects(ledger(), query_data.filter),
    )


@blueprint.get("/<int:reject_id>")
@blueprint.output(Reject)
@needs(Scope.READ)
def show_reject(reject_id: int) -> Response:
    """Show a reject: the row as it was, and where it is wrong."""
    return reply(Reject, get_reject(ledger(), reject_id))


@blueprint.get("/export")
@blueprint.input(ExportQuery, location="query")
@blueprint.doc(responses=text_answer("A CSV file that can be corrected and replayed.", "text/csv"))
@needs(Scope.READ)
def export_rejects(query_data: ExportQuery) -> Response:
    """Export rejects as CSV, to be corrected and replayed; streamed, whatever their number."""
    wanted = query_data.filter
    require_known(ledger(), wanted)
    response = Response(_export(connections(), wanted), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="rejects.csv"'
    return response


def _export(idle: Connections, wanted: RejectFilter) -> Iterator[str]:
    """The export in pieces that are worth a packet; on a connection of its own, as the request's has gone by then."""
    with idle.borrow() as connection:
        pieces: list[str] = []
        size = 0
        for record in export_records(list_rejects(connection, wanted, limit=None)):
            pieces.append(record)
            size += len(record)
            if size >= _PIECE_CHARACTERS:
                yield "".join(pieces)
                pieces, size = [], 0
        yield "".join(pieces)
