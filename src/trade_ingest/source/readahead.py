"""Bytes, read ahead by a thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager

QUEUE_BYTES = 4 << 20


@contextmanager
def read_ahead(chunks: Generator[bytes], *, queue_bytes: int = QUEUE_BYTES) -> Iterator[Iterator[bytes]]:
    """The same chunks in the same order, which a thread fetches while the caller works.

    At most ``queue_bytes`` and one more chunk are held. An error of the chunks is raised where it belongs in their
    order. At the end of the block the thread is told to end; it does so after the chunk that it is fetching.
    """
    queue = _Queue(queue_bytes)
    thread = threading.Thread(target=queue.fill, args=(chunks,), name="read-ahead", daemon=True)
    thread.start()
    try:
        yield iter(queue)
    finally:
        queue.close()


class _Queue:
    """Chunks between a thread that fetches and one that takes."""

    def __init__(self, queue_bytes: int) -> None:
        self._most = queue_bytes
        self._changed = threading.Condition()
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._is_filled = self._is_closed = False
        self._error: BaseException | None = None

    def fill(self, chunks: Generator[bytes]) -> None:
        """Fetch all chunks; runs in the thread."""
        try:
            for chunk in chunks:
                with self._changed:
                    self._chunks.append(chunk)
                    self._size += len(chunk)
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._size < self._most or self._is_closed)
                    if self._is_closed:
                        break
        except BaseException as exc:  # noqa: BLE001  # it is the taker's
            self._error = exc
        finally:
            chunks.close()
            with self._changed:
                self._is_filled = True
                self._changed.notify_all()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._chunks or self._is_filled)
                if not self._chunks:
                    break
                chunk = self._chunks.popleft()
                self._size -= len(chunk)
                self._changed.notify_all()
            yield chunk
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Let the thread end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
