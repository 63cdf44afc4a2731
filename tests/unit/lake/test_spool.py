"""Rows by day, in bounded memory: nothing is lost, nothing is in another day's file."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trade_ingest.lake import spool
from trade_ingest.lake.spool import Spool

SCHEMA = pa.schema([pa.field("at", pa.timestamp("us", "UTC")), pa.field("row_number", pa.int64())])
START = datetime(1969, 12, 30, tzinfo=UTC)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(spool, "GROUP_ROWS", 5)
    monkeypatch.setattr(spool, "_BUFFERED_ROWS", 12)
    monkeypatch.setattr(spool, "_OPEN_FILES", 2)


@pytest.mark.usefixtures("small")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 5 * 86_400_000_000 - 1), min_size=1, max_size=9), max_size=12))
def test_each_row_is_in_a_file_of_its_day_once(tmp_path_factory, batches):
    folder = tmp_path_factory.mktemp("spool")
    moments = [[START + timedelta(microseconds=offset) for offset in batch] for batch in batches]
    numbers = iter(range(sum(map(len, batches))))
    rows = [pa.RecordBatch.from_pylist([{"at": at, "row_number": next(numbers)} for at in b], SCHEMA) for b in moments]

    written = Spool(folder, SCHEMA, "at").write(rows)

    found = []
    for day in written:
        for row in pq.read_table(day.path).to_pylist():
            assert row["at"].date() == day.day
            found.append((row["row_number"], row["at"]))
    assert sorted(found) == list(enumerate(moment for batch in moments for moment in batch))
    assert len({(day.day, day.part) for day in written}) == len({day.path for day in written}) == len(written)


def test_day_that_stays_open_has_one_file(tmp_path):
    days = [date(2024, 1, 1 + n) for n in (0, 1, 0, 1)]
    rows = [
        pa.RecordBatch.from_pylist([{"at": datetime(d.year, d.month, d.day, tzinfo=UTC), "row_number": n}], SCHEMA)
        for n, d in enumerate(days)
    ]

    written = Spool(tmp_path, SCHEMA, "at").write(rows)

    assert [(day.day, day.part) for day in written] == [(days[0], 0), (days[1], 0)]
