from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from trade_ingest.contract.loading import load_contract
from trade_ingest.engine.spark import LAST_PACK_BYTES, PACK_BYTES, PACK_FILES, pack_files
from trade_ingest.load.task import LoadTask
from trade_ingest.source.listing import SourceFile

CONTRACT = load_contract("trade_event")


def tasks_of(sizes):
    return [
        LoadTask(1, number, SourceFile(f"{number}.csv", "v", size, datetime(2024, 1, 1, tzinfo=UTC)), CONTRACT, 1)
        for number, size in enumerate(sizes)
    ]


@given(st.lists(st.integers(0, 3 * PACK_BYTES), max_size=300), st.integers(1, 8))
def test_each_file_is_in_one_pack_and_packs_are_bounded(sizes, slots):
    packs = pack_files(tasks_of(sizes), slots)

    assert sorted(task.file_id for pack in packs for task in pack) == list(range(len(sizes)))
    for pack in packs:
        assert pack
        assert len(pack) <= PACK_FILES
        assert len(pack) == 1 or sum(task.file.size_bytes for task in pack) <= PACK_BYTES


def test_the_largest_come_first_and_all_slots_have_something_to_do():
    packs = pack_files(tasks_of([10, 1000, 10, 10, 10, 10]), 2)
    assert [[task.file.size_bytes for task in pack] for pack in packs] == [[1000], [10, 10, 10, 10, 10]]
    assert len(pack_files(tasks_of([10] * 40), 4)) == 4


def test_a_single_slot_has_one_pack_of_what_is_little():
    packs = pack_files(tasks_of([1_500_000] * 10), 1)

    assert [len(pack) for pack in packs] == [10]


@given(st.lists(st.integers(1, 1 << 20), min_size=1, max_size=60), st.integers(1, 16))
def test_even_files_leave_no_slot_idle(sizes, slots):
    assert len(pack_files(tasks_of([sizes[0]] * len(sizes)), slots)) >= min(slots, len(sizes), PACK_FILES)


def test_packs_get_smaller_towards_the_end():
    packs = pack_files(tasks_of([2 << 20] * 200), 2)
    sizes = [sum(task.file.size_bytes for task in pack) for pack in packs]

    assert sizes == sorted(sizes, reverse=True)
    assert (sizes[0], sizes[-2]) == (PACK_BYTES, LAST_PACK_BYTES)
    assert len(packs) < 30
