"""Files as DataFrames: what `ingest` would load, lazily, with Spark's types; what it would reject."""

from datetime import UTC, datetime

import pytest

from trade_ingest import spark as ti
from trade_ingest.check import check
from trade_ingest.contract.loading import parse_contract
from trade_ingest.contract.model import Delivery, RejectLimit
from trade_ingest.errors import SourceNotFoundError, UsageError
from trade_ingest.source.listing import SourceFile
from trade_ingest.spark import packs
from trade_ingest.spark.schema import spark_schema

pytest.importorskip("pyspark")
from pyspark.errors import PySparkException

SCHEMA = (
    "struct<trade_id:bigint,price:decimal(38,18),fee:decimal(9,4),note:string,is_buy:boolean,day:date,"
    "executed_at:timestamp,executed_at_ns:bigint,_file:string,_row_number:bigint>"
)


def failure_of(df):
    with pytest.raises(PySparkException) as caught:
        df.collect()
    return str(caught.value)


def test_columns_have_the_types_of_the_contract_and_nothing_is_read_yet(session, fills):
    uri = fills.write("a.csv", [fills.line("x")] * 50)
    df = ti.read(session, uri, contract=fills.contract)

    assert df.schema.simpleString() == SCHEMA
    assert ti.read(session, uri, contract=fills.contract_path).schema == df.schema


def test_rows_come_in_the_order_of_files_and_rows(session, fills):
    b = fills.write("b.csv", [fills.line(3), fills.line("x"), fills.line(4)])
    a = fills.write("a.csv", [fills.line(1), fills.line(2)])
    df = ti.read(session, [str(fills.folder / "*.csv")], contract=fills.contract)

    rows = df.select("trade_id", "_file", "_row_number").collect()
    assert [tuple(row) for row in rows] == [(1, a, 1), (2, a, 2), (3, b, 1), (4, b, 3)]


def test_more_rows_than_a_batch_has(session, fills):
    uri = fills.write("a.csv", [fills.line(number) for number in range(150_000)])
    df = ti.read(session, uri, contract=fills.contract)

    found = df.selectExpr("count(*)", "sum(trade_id)", "max(_row_number)", "sum(price)").collect()[0]
    assert tuple(found) == (150_000, 149_999 * 75_000, 150_000, 225_000)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_times_are_instants_whatever_the_session_says(session, fills, zone):
    uri = fills.write("a.csv", [fills.line(1, at="2024-07-01 09:30:00.123456789")])
    before = session.conf.get("spark.sql.session.timeZone")
    session.conf.set("spark.sql.session.timeZone", zone)
    session.conf.set("spark.sql.timestampType", "TIMESTAMP_NTZ")
    try:
        df = ti.read(session, uri, contract=fills.contract)
        (row,) = df.selectExpr("unix_micros(executed_at)", "executed_at_ns").collect()
    finally:
        session.conf.set("spark.sql.session.timeZone", before)
        session.conf.unset("spark.sql.timestampType")

    instant = int(datetime(2024, 7, 1, 13, 30, tzinfo=UTC).timestamp())
    assert tuple(row) == (instant * 10**6 + 123_456, instant * 10**9 + 123_456_789)


def test_rejects_are_those_that_check_finds(session, fills):
    lines = [fills.line(1), fills.line("x", price="y"), "1,2", *[fills.line("é\x00")] * 20, fills.line(2)]
    uris = [fills.write("a.csv", lines), fills.write("b.csv", [fills.line(3)]), fills.write("c.csv", lines[::-1])]

    found = [
        (row["_file"], row["row_number"], row["byte_offset"], row["raw_text"], [tuple(r) for r in row["reasons"]])
        for row in ti.read_rejects(session, uris, contract=fills.contract).collect()
    ]
    expected = [
        (file.uri, r.row_number, r.byte_offset, r.raw_text, [(w.code, w.column, w.value) for w in r.reasons])
        for file in check(uris, contract=fills.contract, limit=1000)
        for r in file.rejects
    ]
    assert found == expected
    assert len(found) == 44


@pytest.mark.parametrize(
    ("lines", "header", "said"),
    [
        (["1,2"], "trade_id,price", "FileHeaderError"),
        (["x,1,,,,,2024-01-01 09:30:00"] * 3, None, "3 of 3 rows rejected, more than 2 and 0.00%"),
    ],
)
def test_action_names_the_file_that_cannot_be_read_and_why(session, fills, lines, header, said):
    fills.write("a.csv", [fills.line(1)])
    uri = fills.write("b.csv", lines, **({"header": header} if header else {}))

    message = failure_of(ti.read(session, str(fills.folder / "*.csv"), contract=fills.contract))
    assert uri in message
    assert said in message


def test_limit_of_rejects_can_be_another(session, fills):
    uri = fills.write("a.csv", [fills.line("x")] * 3 + [fills.line(1)])
    limit = RejectLimit(max_count=3)

    assert ti.read(session, uri, contract=fills.contract, reject_limit=limit).count() == 1


def test_file_that_changed_since_it_was_listed_is_an_error(session, fills):
    uri = fills.write("a.csv", [fills.line(1)])
    df = ti.read(session, uri, contract=fills.contract)
    fills.write("a.csv", [fills.line(1), fills.line(2)])

    assert f"{uri}: changed since it was listed" in failure_of(df)


def test_source_without_files_is_told_at_once(session, fills):
    with pytest.raises(SourceNotFoundError):
        ti.read(session, str(fills.folder / "none*.csv"), contract=fills.contract)


def test_column_of_the_name_of_the_file_is_refused(fills):
    contract = parse_contract(
        (fills.folder / "contract.yaml").read_text().replace("name: note", "name: _file"), origin="c.yaml"
    )
    with pytest.raises(UsageError, match="has a column '_file'"):
        spark_schema(contract)


def test_packs_are_in_the_listings_order_and_bounded():
    def listed(*megabytes):
        return [SourceFile(str(i), "", int(size * (1 << 20)), datetime.now(UTC)) for i, size in enumerate(megabytes)]

    def names(files):
        return ["".join(file.uri for file in pack) for pack in packs.pack_files(files)]

    assert names(listed(0.1, 0.2, 0.3)) == ["012"]
    assert names(listed(0.5, 0.4, 0.5, 40, 0.1)) == ["01", "2", "3", "4"]
    assert [len(pack) for pack in packs.pack_files(listed(*[0] * 250))] == [100, 100, 50]
    assert max(sum(f.size_bytes for f in pack) for pack in packs.pack_files(listed(*[16] * 1000))) == packs.MOST_BYTES


def test_files_that_are_not_delivered_whole_are_left_out(session, fills, caplog):
    contract = fills.contract.model_copy(update={"delivery": Delivery(marker="{name}.done")})
    whole = fills.write("a.csv", [fills.line(1), fills.line("x")])
    part = fills.write("b.csv", [fills.line(2), fills.line("y")])
    (fills.folder / "a.csv.done").touch()

    rows = ti.read(session, [whole, part], contract=contract).collect()
    rejects = ti.read_rejects(session, [whole, part], contract=contract).collect()

    assert ([row["trade_id"] for row in rows], [reject["_file"] for reject in rejects]) == ([1], [whole])
    assert f"{part}: left out: there is no {part}.done" in caplog.text
