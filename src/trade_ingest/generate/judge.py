"""The parser's own verdict on generated records."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

import numpy as np

from trade_ingest.contract.model import Contract
from trade_ingest.generate.draws import Mask
from trade_ingest.parse.layout import layout_of
from trade_ingest.parse.reject import Reject
from trade_ingest.parse.rows import BlockParser
from trade_ingest.source.blocks import Block
from trade_ingest.source.records import Dialect, scan_records

BAD_BYTE = "\ue0ff"
"""Stands in generated text for the byte FF, which no UTF-8 text has."""


def has_bad_bytes(encoding: str) -> bool:
    """Whether files in an encoding can hold a ``BAD_BYTE``: where text is UTF-8 anyway."""
    return codecs.lookup(encoding).name in {"utf-8", "ascii", "utf-8-sig"}


def utf8(text: str) -> bytes:
    """The text as the parser sees it: UTF-8, with each ``BAD_BYTE`` as the byte FF."""
    return text.encode().replace(BAD_BYTE.encode(), b"\xff")


class Judge:
    """Parses records as the loader would.

    Args:
        contract: the contract.
        path: a path as the files have it, for the values that it carries.
        header: the names of the fields; the width of a record where the format has no header.

    Raises:
        PathMismatchError: the path does not match the contract's, or its values are not legal.
    """

    def __init__(self, contract: Contract, path: str, header: Sequence[str]) -> None:
        self._dialect = Dialect.of(contract.format)
        has_header = contract.format.header
        layout = layout_of(
            contract, path, header=header if has_header else None, first_record=None if has_header else header
        )
        self._parser = BlockParser(contract, layout, path)

    def rejects(self, records: Sequence[str]) -> list[Reject] | None:
        """What is wrong with the records; None if the parser does not see as many records as were given."""
        data = utf8("".join(f"{record}\n" for record in records))
        found, _ = scan_records(data, self._dialect, is_final=True)
        parsed = self._parser.parse(Block(data, 0, 1, len(found), found))
        return parsed.rejects if len(found) == len(records) == parsed.row_count else None

    def is_rejected(self, records: Sequence[str]) -> Mask:
        """Which of the records are rejected."""
        verdict = np.zeros(len(records), np.bool_)
        rejects = self.rejects(records)
        if rejects is None:
            verdict[:] = True
        else:
            verdict[[reject.row_number - 1 for reject in rejects]] = True
        return verdict
