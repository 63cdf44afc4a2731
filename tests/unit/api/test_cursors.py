"""Cursors are ours, or refused: anybody can make the digest of one."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_digest

from trade_ingest.api.cursors import decode_cursor, encode_cursor
from trade_ingest.errors import CursorError
from trade_ingest.ledger.pages import Key

FILTERS = {"list": "audit"}


def forged(payload):
    bound = xxh3_64_digest(json.dumps(FILTERS, sort_keys=True).encode())
    return base64.urlsafe_b64encode(bound + xxh3_64_digest(payload) + payload).rstrip(b"=").decode()


@given(value=st.text(), row_id=st.integers(0, 2**63 - 1))
def test_cursor_gives_its_key_back(value, row_id):
    assert decode_cursor(encode_cursor(Key(value, row_id), FILTERS), FILTERS) == Key(value, row_id)


@pytest.mark.parametrize(
    "payload",
    [
        b"5",
        b"x",
        b"\xff",
        b"{}",
        b"[1,2,3]",
        b'{"a":1,"b":2}',
        b'["","abc"]',
        b'["",null]',
        b'["",true]',
        b'["",1.0]',
        b'["",1e400]',
        b'["",-1]',
        b'["",9223372036854775808]',
        b'["",99999999999999999999999]',
        b"[7,1]",
        b"[[],1]",
        b'["\\ud800",1]',
        b"[" * 100_000,
    ],
    ids=lambda payload: repr(payload[:24]),
)
def test_forged_cursor_is_refused(payload):
    with pytest.raises(CursorError):
        decode_cursor(forged(payload), FILTERS)


def test_cursor_of_another_list_is_refused():
    with pytest.raises(CursorError, match="other filters"):
        decode_cursor(encode_cursor(Key("", 1), FILTERS), {"list": "runs"})
