"""One file as rows under its contract: opening it, and the checks that need all of it.

Loading and checking go through here, so that both judge a file alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from trade_ingest.contract.model import Contract, RejectLimit
from trade_ingest.errors import FileTrailerError, RejectLimitError
from trade_ingest.parse.layout import FileLayout, layout_of
from trade_ingest.parse.reject import Reject
from trade_ingest.parse.rows import BlockParser
from trade_ingest.source.blocks import BlockReader, split_record

_SHOWN_VALUE = 60  # characters of a bad cell in a message


@dataclass(frozen=True, slots=True)
class FileRows:
    """A file whose header has been read and fits its contract.

    Attributes:
        reader: yields its blocks.
        layout: which field is which column.
        parser: parses the blocks.
    """

    reader: BlockReader
    layout: FileLayout
    parser: BlockParser


def open_rows(reader: BlockReader, contract: Contract, uri: str) -> FileRows | None:
    """Match the file that a reader has opened with its contract.

    Returns:
        None for a file that should have a header and is empty: it has no rows, and nothing is wrong with it.

    Raises:
        FileHeaderError: the header does not fit.
        PathMismatchError: the path, or a value taken from it, does not fit.
    """
    file_format = contract.format
    first = None if file_format.header else reader.peek_record()
    if file_format.header and reader.header is None:
        return None
    layout = layout_of(
        contract,
        uri,
        header=reader.header,
        first_record=None if first is None else split_record(first, file_format),
    )
    return FileRows(reader, layout, BlockParser(contract, layout, uri))


def check_trailer(reader: BlockReader, contract: Contract, uri: str) -> None:
    """Compare the trailer of a file that has been read to its end with the rows that it had.

    Raises:
        FileTrailerError: it is missing though the contract requires it, or its count is not the file's.
    """
    trailer = contract.format.trailer
    if trailer is None:
        return
    hint = "the file is likely cut off: fetch it again"
    if reader.trailer is None:
        if trailer.required:
            message = f"{uri}: no trailer that matches {trailer.pattern!r} at the end of {reader.row_count:,} rows"
            raise FileTrailerError(message, hint=hint, uri=uri)
        return
    match = re.fullmatch(trailer.pattern, reader.trailer.decode("utf-8", "replace"))
    if match and match.groupdict().get("rows") is not None:
        if not match["rows"].isdecimal():
            message = f"{uri}: the trailer's count of rows is {match['rows']!r}, expected digits"
            raise FileTrailerError(message, hint="check format.trailer.pattern", uri=uri)
        declared = int(match["rows"])
        found = reader.row_count if trailer.counts == "rows" else reader.line_count
        if declared != found:
            message = f"{uri}: the trailer says {declared:,} {trailer.counts}, found {found:,}"
            raise FileTrailerError(message, hint=hint, uri=uri)


def reject_limit_error(
    uri: str, limit: RejectLimit, *, rows_rejected: int, rows_read: int, hint: str, first: Reject | None = None
) -> RejectLimitError:
    """The error of a file with too many rejects; ``first`` is one of them, to say where to look."""
    message = (
        f"{uri}: {rows_rejected:,} of {rows_read:,} rows rejected,"
        f" more than {limit.max_count:,} and {limit.max_ratio:.2%}"
    )
    if first is not None:
        reason = first.reasons[0]
        where = f"{uri}:{first.row_number}:{reason.column}" if reason.column else f"{uri}:{first.row_number}"
        shown = "" if reason.value is None else f" ({reason.value[:_SHOWN_VALUE]!r})"
        message += f"; first: {where}: {reason.code}{shown}"
    return RejectLimitError(message, hint=hint, uri=uri, rows_rejected=rows_rejected)
