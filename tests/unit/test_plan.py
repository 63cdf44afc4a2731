from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trade_ingest.ledger.listed import line_of, split_line
from trade_ingest.plan import Plan, PlannedFile, PlannedFiles, PlanReason
from trade_ingest.source.file import SourceFile

AT = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def planned(number, reason=PlanReason.NEW):
    return PlannedFile(SourceFile(f"/data/{number:05}.csv", f"{number}-1", number, AT), reason)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\\\t\n\r\b\v N."), max_size=12)
PLANNED = st.builds(
    PlannedFile,
    st.builds(
        SourceFile,
        TEXTS,
        TEXTS,
        st.integers(0, 2**60),
        st.datetimes(datetime.fromisoformat("1970-01-01"), timezones=st.just(UTC)),
    ),
    st.sampled_from(PlanReason),
    st.none() | st.integers(1, 2**60),
    st.none() | st.integers(1, 2**60),
    TEXTS,
)


@given(st.lists(PLANNED, max_size=5))
def test_packed_files_are_what_was_packed(files):
    assert list(PlannedFiles(files)) == files


@given(st.lists(TEXTS, min_size=1))
def test_line_is_read_as_it_was_written(fields):
    line = line_of(fields)
    assert line.count("\n") == 1
    assert split_line(line.removesuffix("\n")) == fields


FILES = [planned(number) for number in range(2_500)]


@pytest.fixture(scope="module")
def packed():
    return PlannedFiles(FILES)


@pytest.mark.parametrize("index", [0, 999, 1000, 1999, 2000, 2499, -1, -2500])
def test_packed_file_is_found_by_its_index(packed, index):
    assert packed[index] == FILES[index]


@pytest.mark.parametrize("index", [2500, -2501])
def test_index_beyond_the_end_is_an_error(packed, index):
    with pytest.raises(IndexError):
        packed[index]


@pytest.mark.parametrize(
    "part", [slice(5), slice(990, 1010), slice(2400, None), slice(None, None, 700), slice(9, 3, -2)]
)
def test_slice_of_packed_files_is_a_tuple_of_them(packed, part):
    assert packed[part] == tuple(FILES[part])


def test_packed_files_are_counted_and_take_little_memory(packed):
    assert (len(packed), packed.size_bytes) == (2_500, sum(range(2_500)))
    assert packed.reasons == {"new": 2_500}
    assert sum(map(len, packed._packs)) / 2_000 < 20


def test_plan_has_all_files_in_order_and_counts_them():
    reasons = [PlanReason.NEW, PlanReason.ALREADY_LOADED, PlanReason.RETRY, PlanReason.ROLLED_BACK]
    files = [planned(number, reasons[number % 3 if number < 9 else 3]) for number in range(10)]
    plan = Plan(
        "c", "t", PlannedFiles(f for f in files if f.is_loaded), PlannedFiles(f for f in files if not f.is_loaded)
    )
    assert list(plan.files) == files
    assert plan.reasons == {"new": 3, "retry": 3, "already_loaded": 3, "rolled_back": 1}
    assert plan.bytes_to_load == sum(f.file.size_bytes for f in plan.to_load) == 0 + 2 + 3 + 5 + 6 + 8
    assert plan.to_load[0].file.modified_at - AT == timedelta(0)
