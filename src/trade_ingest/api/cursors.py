"""Opaque cursors: where a page of a list ended, bound to the list's filters and order."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from xxhash import xxh3_64_digest

from trade_ingest.api.schemas.base import MAX_ID
from trade_ingest.errors import CursorError
from trade_ingest.ledger.pages import Key

_DIGEST_BYTES = 8
_HINT = "give back next_cursor as it was, with the same filters and sort; or leave the cursor out to begin again"


def encode_cursor(key: Key, filters: Mapping[str, Any]) -> str:
    """The text of a cursor; ``filters`` are all parameters that say which rows are listed, and in which order."""
    payload = json.dumps([key.value, key.row_id]).encode()
    token = _filters_digest(filters) + xxh3_64_digest(payload) + payload
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def decode_cursor(text: str, filters: Mapping[str, Any]) -> Key:
    """Where the page ended that gave the cursor.

    Raises:
        CursorError: it is no cursor of ours, or one of a list with other filters or another order.
    """
    try:
        token = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise _unreadable() from exc
    bound_to, digest = token[:_DIGEST_BYTES], token[_DIGEST_BYTES : 2 * _DIGEST_BYTES]
    payload = token[2 * _DIGEST_BYTES :]
    if len(digest) < _DIGEST_BYTES or digest != xxh3_64_digest(payload):
        raise _unreadable()
    if bound_to != _filters_digest(filters):
        message = "the cursor belongs to a list with other filters or another order"
        raise CursorError(message, hint=_HINT)
    return _read_key(payload)


def _read_key(payload: bytes) -> Key:
    """The key; the digest is no proof that it is ours: anybody can make one."""
    try:
        value, row_id = json.loads(payload)
        is_key = isinstance(value, str) and type(row_id) is int and 0 <= row_id <= MAX_ID
        value.encode()  # half of a surrogate pair is no text for PostgreSQL
    except (ValueError, TypeError, AttributeError, RecursionError) as exc:
        raise _unreadable() from exc
    if not is_key:
        raise _unreadable()
    return Key(value, row_id)


def _filters_digest(filters: Mapping[str, Any]) -> bytes:
    return xxh3_64_digest(json.dumps(filters, sort_keys=True, default=str).encode())


def _unreadable() -> CursorError:
    message = "the cursor is not one that a list gave"
    return CursorError(message, hint=_HINT)
