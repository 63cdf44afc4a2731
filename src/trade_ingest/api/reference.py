"""The page docs/reference/api.md, made from the OpenAPI document; `python -m trade_ingest.api.reference` prints it."""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import Any

from trade_ingest.api.app import create_app
from trade_ingest.api.openapi import document_of
from trade_ingest.api.options import ApiOptions
from trade_ingest.settings import Settings

_HEAD = """\
# The REST API

Served by `trade-ingest serve` ([how to](../how-to/serve.md)). Every parameter, body and answer is in
[openapi.json](../openapi.json) (OpenAPI 3.1), from which clients can be generated; a server gives its own at
`/api/v1/openapi.json`. This page is generated from it (`make docs`).

- **Times** are ISO 8601 in UTC. **Ids** are integers. Names are those of the [ledger](ledger.md).
- **Lists** give `{"items": [...], "next_cursor": ...}`, newest first. Give `next_cursor` back as `cursor`, with the
  same filters and `sort`, until it is null. Nothing is skipped or doubled by what comes in meanwhile. A page may have
  fewer items than `limit`, or none, and still a next one: a filter without an index is tried on 5,000 rows at a time.
- **Filters** that take several values take them separated by commas: `state=failed,pending`. `sort=-size_bytes`
  gives the largest first.
- **Errors** are problems of RFC 9457 (`application/problem+json`) with `code`, `hint`, `retryable`, `errors` (each
  wrong parameter) and `request_id`; [the codes](errors.md) are the program's. `retryable` says what to try again.
- **Request ids**: a good `X-Request-ID` is kept, else one is made; it is in the answer, in problems, in the log.
- **Conditional requests**: what has an `ETag` is answered with 304 to `If-None-Match` where nothing has changed.
- **Scopes**: `operate` includes `read`, `admin` both. Without authentication everybody on this machine has all.
"""


def page() -> str:
    """The page's text."""
    document = document_of(create_app(ApiOptions("", Settings())))
    lines = defaultdict[str, list[str]](list)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            lines[operation["tags"][0]].append(_line(method, path, operation))
    sections = [
        "\n".join([f"## {tag}", "", "| route | scope | |", "|---|---|---|", *lines[tag]]) for tag in sorted(lines)
    ]
    return "\n\n".join([_HEAD.rstrip(), *sections]) + "\n"


def _line(method: str, path: str, operation: dict[str, Any]) -> str:
    scope = operation.get("x-required-scope", "public")
    return f"| `{method.upper()} {path}` | {scope} | {operation['summary']} |"


if __name__ == "__main__":
    sys.stdout.write(page())
