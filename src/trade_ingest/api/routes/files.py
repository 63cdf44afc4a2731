"""Files: read."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from trade_ingest.api.access import Scope, needs
from trade_ingest.api.allowed import check_sources
from trade_ingest.api.app_options import options
from trade_ingest.api.connections import ledger
from trade_ingest.api.paging import order_of, reply_listing
from trade_ingest.api.replies import reply, with_etag
from trade_ingest.api.schemas.changes import ChangesQuery, FileChanges
from trade_ingest.api.schemas.files import Explanation, FileDetail, FilePage, FilesQuery, FirstLines, LinesQuery
from trade_ingest.api.schemas.runs import EventPage, EventsQuery
from trade_ingest.errors import SourceNotAllowedError
from trade_ingest.explain import ExplainedVersion, explain, explain_versions
from trade_ingest.first_lines import read_first_lines
from trade_ingest.ledger.file_pages import FILES
from trade_ingest.ledger.history_pages import EVENTS, of_file, of_kinds
from trade_ingest.ledger.queries import get_file, get_file_summary
from trade_ingest.trades.changes import find_changes

blueprint = APIBlueprint("files", __name__, url_prefix="/api/v1/files", tag="Files")


@blueprint.get("")
@blueprint.input(FilesQuery, location="query")
@blueprint.output(FilePage)
@needs(Scope.READ)
def list_files(query_data: FilesQuery) -> Response:
    """List files, newest first."""
    order = order_of(FILES.sorts, query_data.sort, is_narrowed=query_data.run_id is not None)
    conditions = query_data.filter.conditions()
    return reply_listing(FilePage, query_data, FILES, conditions, order)


@blueprint.get("/<int:file_id>")
@blueprint.output(FileDetail)
@needs(Scope.READ)
def show_file(file_id: int) -> Response:
    """Show a file: its counts, its attempts, its relations to other files."""
    detail = get_file(ledger(), file_id)
    values = {f.name: getattr(detail, f.name) for f in fields(detail)}
    values |= {"file": FILES.find(ledger(), file_id), "is_balanced": detail.file.is_balanced}
    return with_etag(reply(FileDetail, values))


@blueprint.get("/<int:file_id>/events")
@blueprint.input(EventsQuery, location="query")
@blueprint.output(EventPage)
@needs(Scope.READ)
def list_file_events(file_id: int, query_data: EventsQuery) -> Response:
    """List what happened to a file, in order."""
    conditions = [of_file(file_id), *of_kinds(query_data.kind)]
    order = order_of(EVENTS.sorts, query_data.sort, is_narrowed=True)
    return reply_listing(
        EventPage, query_data, EVENTS, conditions, order, require=lambda: get_file_summary(ledger(), file_id)
    )


@blueprint.get("/<int:file_id>/changes")
@blueprint.input(ChangesQuery, location="query")
@blueprint.output(FileChanges)
@needs(Scope.READ)
def show_changes(file_id: int, query_data: ChangesQuery) -> Response:
    """Compare a file's rows with those of the version that it took the place of: counts, and the first of each kind."""
    return with_etag(reply(FileChanges, find_changes(ledger(), file_id, limit=query_data.limit)))


@blueprint.get("/<int:file_id>/lines")
@blueprint.input(LinesQuery, location="query")
@blueprint.output(FirstLines)
@needs(Scope.READ)
def show_first_lines(file_id: int, query_data: LinesQuery) -> Response:
    """Show a file's first lines as they are in its source now, the bad cells of its rejects marked.

    Only of a file in a source that the server allows.
    """
    file = get_file_summary(ledger(), file_id)
    check_sources([file.uri], options().allowed_sources)
    lines = read_first_lines(ledger(), file, limit=query_data.limit, connections=options().settings.store_connections)
    return reply(FirstLines, lines)


@blueprint.get("/<int:file_id>/explanation")
@blueprint.output(Explanation)
@needs(Scope.READ)
def explain_file(file_id: int) -> Response:
    """Say why a file was loaded or was not, and what the next run would do with it.

    What the next run would do is said only of a file in a source that the server allows.
    """
    file = get_file_summary(ledger(), file_id)
    if _is_allowed(file.uri):
        connections = options().settings.store_connections
        found = explain(options().database, file.uri, target=file.target, connections=connections)
        versions, next_run = found.versions, found.next_run
    else:
        versions, next_run = explain_versions(ledger(), file.uri, target=file.target), None
    values = {
        "uri": file.uri,
        "sentence": versions[0].sentence,
        "versions": [_version(version) for version in versions],
        "next_run": next_run,
    }
    return reply(Explanation, values)


def _version(version: ExplainedVersion) -> dict[str, Any]:
    return {
        "file_id": version.file.file_id,
        "version": version.file.version,
        "state": version.file.state,
        "sentence": version.sentence,
        "hint": version.hint,
    }


def _is_allowed(uri: str) -> bool:
    try:
        check_sources([uri], options().allowed_sources)
    except SourceNotAllowedError:
        return False
    return True
