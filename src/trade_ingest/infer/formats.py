"""The `format` of a proposed contract: how the bytes are read."""

from __future__ import annotations

import re

from trade_ingest.infer.draft import Draft
from trade_ingest.infer.findings import Findings
from trade_ingest.infer.moment import Moment


def set_format(draft: Draft, findings: Findings) -> None:
    """Set the keys that are not as a contract has them by itself, each with why."""
    _set_marks(draft, findings)
    _set_lines(draft, findings)


def _set_marks(draft: Draft, findings: Findings) -> None:
    dialect, encoding, marks = findings.dialect, findings.table.encoding, findings.marks
    found: dict[str, object] = {
        "delimiter": dialect.delimiter,
        "quote": dialect.quote,
        "escape": dialect.escape,
        "encoding": encoding.name,
        "decimal_mark": marks.decimal,
        "thousands_mark": marks.thousands,
        "trim": findings.needs_trim,
    }
    usual: dict[str, object] = {
        "delimiter": ",",
        "quote": '"',
        "escape": None,
        "encoding": "utf-8",
        "decimal_mark": ".",
    }
    usual |= {"thousands_mark": None, "trim": False}
    draft.format |= {key: value for key, value in found.items() if value != usual[key]}
    if "encoding" in draft.format:
        draft.format_comments["encoding"] = encoding.reason + ("" if encoding.is_certain else "; CONFIRM")
    if findings.needs_trim:
        draft.format_comments["trim"] = "cells have blanks around them"


def _set_lines(draft: Draft, findings: Findings) -> None:
    dialect, keys, comments = findings.dialect, draft.format, draft.format_comments
    has_unused_header = findings.by_position and dialect.header is not None
    if findings.by_position:
        keys["header"] = False
    if has_unused_header:
        why = "it is repeated" if findings.repeats_header else "its names do not tell the columns apart"
        comments["header"] = f"there is one, but {why}"
    if preamble := dialect.preamble_lines + has_unused_header:
        keys["preamble_lines"] = preamble
    if dialect.comment_prefix is not None:
        keys["comment_prefix"] = dialect.comment_prefix
    if ignored := [*dialect.ignored, *findings.ignored]:
        keys["ignore_records"] = "|".join(f"(?:{pattern})" if len(ignored) > 1 else pattern for pattern in ignored)
        comments["ignore_records"] = "records that are no rows; CONFIRM"
    pattern, counts = findings.trailer
    if pattern:
        keys["trailer"] = {"pattern": pattern, **({"counts": counts} if counts else {})}


def ignore_without(draft: Draft, findings: Findings, moment: Moment) -> None:
    """Pass over the records whose event time is empty."""
    quote, delimiter = findings.dialect.quote, re.escape(findings.dialect.delimiter)
    cell = f"[^{delimiter}]*" if quote is None else f"(?:{quote}[^{quote}]*{quote}|[^{delimiter}{quote}]*)"
    patterns = [
        rf"(?:{cell}{delimiter}){{{column.position - 1}}}\s*(?:{delimiter}|$)"
        for column in moment.cells
        if not column.is_full
    ]
    others = [draft.format["ignore_records"]] if "ignore_records" in draft.format else []
    draft.format["ignore_records"] = "|".join(map(str, [*others, *patterns]))
    draft.format_comments["ignore_records"] = f"CONFIRM: records without {moment.cells[0].label} are no rows"
