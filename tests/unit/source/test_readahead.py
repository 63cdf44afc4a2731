"""Chunks that a thread fetches ahead: the same ones, in order, with their errors, and not too many at once."""

import threading

import pytest

from trade_ingest.source.readahead import read_ahead


def test_all_chunks_come_in_order():
    chunks = [bytes([number]) * number for number in range(1, 200)]

    with read_ahead((chunk for chunk in chunks), queue_bytes=500) as ahead:
        assert list(ahead) == chunks


def test_error_comes_after_the_chunks_before_it():
    def broken():
        yield b"a"
        yield b"b"
        raise OSError("broke off")

    seen = []
    with pytest.raises(OSError, match="broke off"), read_ahead(broken()) as ahead:
        seen.extend(iter(ahead.__next__, None))
    assert seen == [b"a", b"b"]


def test_no_more_is_held_than_was_asked_for():
    fetched = []
    is_waiting, is_closed = threading.Event(), threading.Event()

    def endless():
        try:
            while True:
                fetched.append(1)
                if len(fetched) == 4:
                    is_waiting.set()  # the last one that fits
                yield b"x" * 100
        finally:
            is_closed.set()

    with read_ahead(endless(), queue_bytes=400) as ahead:
        assert is_waiting.wait(10)
        assert next(ahead) == b"x" * 100
    assert is_closed.wait(10)
    assert len(fetched) <= 6
