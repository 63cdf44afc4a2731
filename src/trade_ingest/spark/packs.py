"""Which files a task reads."""

from __future__ import annotations

from collections.abc import Sequence

from trade_ingest.source.file import SourceFile

Pack = list[SourceFile]

MOST_BYTES, LEAST_BYTES = 32 << 20, 1 << 20
"""Small files share a task up to the first size; up to the second they do so even if few tasks are left."""

MOST_FILES = 100
_WANTED_PACKS = 64  # enough to keep a cluster busy


def pack_files(files: Sequence[SourceFile]) -> list[Pack]:
    """Files in packs, in the order of the listing.

    The packs depend on the files alone and not on the cluster, so that the same files are the same partitions
    wherever and whenever they are read.
    """
    total = sum(file.size_bytes for file in files)
    limit = min(MOST_BYTES, max(LEAST_BYTES, -(-total // _WANTED_PACKS)))
    packs: list[Pack] = []
    size = 0
    for file in files:
        if not packs or size + file.size_bytes > limit or len(packs[-1]) >= MOST_FILES:
            packs.append([])
            size = 0
        packs[-1].append(file)
        size += file.size_bytes
    return packs
