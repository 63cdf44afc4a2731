"""What a file says is what the table says, by way of Spark; the expected values are from Python's csv and decimal."""

import csv
import io
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trade_ingest import spark as ti

pytest.importorskip("pyspark")

ZONE = ZoneInfo("America/New_York")
ROW_NAMES = ["trade_id", "price", "fee", "note", "is_buy", "day", "executed_at"]
COLUMNS = "trade_id, price, fee, note, is_buy, day, executed_at, executed_at_ns"


def decimals(precision, scale):
    limit = 10**precision - 1
    return st.integers(-limit, limit).map(lambda number: (number, scale))


def decimal_text(value):
    number, scale = value
    digits = str(abs(number)).rjust(scale + 1, "0")
    return f"{'-' if number < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


def is_plain(moment):
    """Whether a wall clock shows a time once: neither twice nor never."""
    local = moment.replace(tzinfo=ZONE)
    return local.astimezone(UTC).astimezone(ZONE) == local and local.utcoffset() == local.replace(fold=1).utcoffset()


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)
ROW = st.fixed_dictionaries(
    {
        "trade_id": st.integers(-(2**63), 2**63 - 1).map(str) | st.integers(10**18, 2**63 - 1).map(str),
        "price": decimals(38, 18).map(decimal_text),
        "fee": st.none() | decimals(9, 4).map(decimal_text),
        "note": st.none() | st.just("") | TEXT,
        "is_buy": st.sampled_from([None, "true", "false"]),
        "day": st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)).map(date.isoformat),
        "executed_at": st.tuples(
            st.integers(-2_177_000_000, 4_102_000_000)  # 1901 to 2099
            .map(lambda seconds: datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None))
            .filter(is_plain),
            st.integers(0, 10**9 - 1),
        ).map(lambda pair: f"{pair[0]:%Y-%m-%d %H:%M:%S}" + f".{pair[1]:09d}"),
    }
)


def file_text(rows):
    """CSV where NULL is nothing and empty text is quoted."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(ROW_NAMES)
    for row in rows:
        cells = ["" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in map(row.get, ROW_NAMES)]
        out.write(",".join(cells) + "\n")
    return out.getvalue()


def expected_row(row):
    moment, nanoseconds = row["executed_at"].split(".")
    instant = datetime.fromisoformat(moment).replace(tzinfo=ZONE).astimezone(UTC)
    epoch = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    return (
        int(row["trade_id"]),
        Decimal(row["price"]),
        row["fee"] and Decimal(row["fee"]),
        row["note"],
        row["is_buy"] and row["is_buy"] == "true",
        row["day"] and date.fromisoformat(row["day"]),
        instant + timedelta(microseconds=int(nanoseconds) // 1000),
        epoch * 10**9 + int(nanoseconds),
    )


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=60))
def test_values_survive_spark(session, fills, rows):
    name = f"t{uuid.uuid4().hex}"
    path = fills.folder / f"{name}.csv"
    path.write_bytes(file_text(rows).encode())
    read_back = [
        dict(zip(ROW_NAMES, line, strict=True)) for line in csv.reader(io.StringIO(file_text(rows), newline=""))
    ][1:]
    assert [{k: v or "" for k, v in row.items()} for row in rows] == read_back  # the file is what it is meant to be

    ti.write(ti.read(session, str(path), contract=fills.contract), name, fills.database, write_id=name)

    assert fills.query(f"SELECT {COLUMNS} FROM {name} ORDER BY _row_number") == [expected_row(row) for row in rows]
