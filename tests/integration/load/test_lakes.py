"""Lakes on this machine: what PostgreSQL has committed of each file, and nothing else, whatever is killed or undone.

The oracle is the files as they were written; Parquet is read by pyarrow, Iceberg by pyiceberg with a file access of its
own. Neither is our code.
"""

import csv
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from trade_ingest.cli.main import main
from trade_ingest.errors import LakeIncompatibleError, UsageError
from trade_ingest.explain import explain
from trade_ingest.ledger.queries import get_file, open_ledger
from trade_ingest.replay import replay
from trade_ingest.rollback import rollback
from trade_ingest.source import placing

pytest.importorskip("pyiceberg")

KINDS = ["parquet", "iceberg"]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def place(tmp_path):
    return tmp_path / "lake"


@pytest.fixture
def also(kind, place):
    return (f"{kind}:{place}",)


@pytest.fixture
def run(feed, also):
    def start(*sources, **options):
        return feed.run(*sources, **{"also": also} | options)

    return start


def iceberg_table(feed):
    """The table as others see it: by its newest metadata alone."""
    from pyiceberg.table import StaticTable

    found = feed.query("SELECT metadata_location FROM ingest.iceberg_tables")
    return StaticTable.from_metadata(found[0][0]) if found else None


@pytest.fixture
def rows_of(feed, kind, place):
    """The rows of the lake in the form of ``Feed.expected``; each is in the folder of its day."""

    def parquet():
        for path in sorted(place.glob("event_date=*/*.parquet")):
            for row in pq.read_table(path, partitioning=None).to_pylist():
                assert path.parent.name == f"event_date={row['executed_at']:%Y-%m-%d}"
                yield row

    def iceberg():
        table = iceberg_table(feed)
        return table.scan().to_arrow().to_pylist() if table is not None else []

    def read():
        names = dict(feed.query("SELECT file_id, regexp_replace(uri, '.*/', '') FROM ingest.file"))
        return sorted(
            (
                names[row["file_id"]],
                row["row_number"],
                ",".join(
                    [
                        str(row["trade_id"]),
                        row["symbol"],
                        f"{row['executed_at']:%Y-%m-%d %H:%M:%S}",
                        str(row["price"]),
                        str(row["quantity"]),
                    ]
                ),
            )
            for row in (parquet() if kind == "parquet" else iceberg())
        )

    return read


def states(feed):
    """Of each hand-over that has begun: file name, rows, attempts, whether it is done."""
    return feed.query(
        "SELECT regexp_replace(f.uri, '.*/', ''), h.rows, h.attempts, h.done_at IS NOT NULL, h.error ->> 'code'"
        " FROM ingest.handover AS h JOIN ingest.file AS f USING (file_id) ORDER BY f.uri, h.file_id"
    )


def over_days(feed, first, *days):
    return [feed.trade(first + n, at=f"{day} 23:59:59") for n, day in enumerate(days)]


def test_accepted_rows_are_in_the_lake_by_day_and_rejects_and_failed_files_are_not(feed, run, rows_of):
    feed.write("a.csv", over_days(feed, 1, "2024-01-15", "2024-01-16", "2023-12-31", "2024-01-15", "2024-02-29"))
    feed.write("b.csv", [*feed.trades(10, 12), feed.trade(13, price="-1")])
    feed.write("c.csv", [feed.trade(number, price="-1") for number in range(100, 150)])

    result = run()

    assert (result.files_loaded, result.files_failed, result.files_handed_over) == (2, 1, 2)
    assert result.handover_failed == []
    expected = [row for row in feed.expected("a.csv", "b.csv") if row[:2] != ("b.csv", 4)]
    assert (feed.rows(), rows_of()) == (expected, expected)
    assert states(feed) == [("a.csv", 5, 1, True, None), ("b.csv", 3, 1, True, None)]
    assert run().files_handed_over == 0  # nothing is new


def test_duplicates_and_conflicts_are_not_in_the_lake_twice(feed, run, rows_of):
    feed.write("a.csv", feed.trades(1, 5))
    run()
    feed.write("b.csv", [*feed.trades(4, 7), feed.trade(1, price="9.99")])

    run(reject_limit=None)

    assert rows_of() == feed.rows()
    assert [row[:2] for row in rows_of()] == [("a.csv", n) for n in range(1, 6)] + [("b.csv", 3), ("b.csv", 4)]


@pytest.mark.parametrize("is_read_back", [False, True])
def test_values_of_all_types_are_exact(tmp_path, feed, make_contract, place, monkeypatch, is_read_back):
    """NULL, empty text, quotes, line breaks, large decimals, microseconds, JSON and UUID, read by the csv module."""
    columns = [
        {"name": "id", "type": "integer"},
        {"name": "note", "type": "text", "required": False, "null_tokens": ["NULL"]},
        {"name": "price", "type": "decimal(38,18)"},
        {"name": "at", "type": "timestamp", "zone": "UTC"},
        {"name": "day", "type": "date", "required": False, "null_tokens": [""]},
        {"name": "is_maker", "type": "boolean"},
        {"name": "ref", "type": "uuid"},
    ]
    contract = make_contract(
        columns=columns, key=[], event_time="at", control_totals=[], target={"partition_by": "none", "table": "kinds"}
    )
    lines = [
        ["1", 'a "b", \\. \r\n\tc', "99999999999999999999.999999999999999999", "2024-01-15 10:00:00.000001"],
        ["2", "NULL", "-0.000000000000000001", "1969-12-31 23:59:59.999999"],
        ["3", "", "0.000000000000000000", "2024-02-29 00:00:00.000000"],
    ]
    uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    path = tmp_path / "kinds.csv"
    with path.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow([column["name"] for column in columns])
        writer.writerows(
            [*line, day, flag, uuid]
            for line, day, flag in zip(lines, ["2024-01-15", "", ""], ["true", "false", "true"], strict=True)
        )

    if is_read_back:
        monkeypatch.setattr("trade_ingest.lake.rows.are_stored_as_sent", lambda *_: False)

    feed.run(path, contract=contract, also=(f"parquet:{place}",))

    found = sorted(
        (row for part in place.rglob("*.parquet") for row in pq.read_table(part, partitioning=None).to_pylist()),
        key=lambda row: row["id"],
    )
    with path.open(newline="") as opened:
        read = list(csv.DictReader(opened))
    assert [row["note"] for row in found] == [None if row["note"] == "NULL" else row["note"] for row in read]
    assert [f"{row['price']:f}" for row in found] == [f"{Decimal(row['price']):f}" for row in read]
    assert [f"{row['at']:%Y-%m-%d %H:%M:%S.%f%z}" for row in found] == [f"{row['at']}+0000" for row in read]
    assert [str(row["day"] or "") for row in found] == [row["day"] for row in read]
    assert [str(row["is_maker"]).lower() for row in found] == [row["is_maker"] for row in read]
    assert [row["ref"] for row in found] == [uuid] * 3
    assert sorted(part.parent.name for part in place.rglob("*.parquet")) == [
        "event_date=1969-12-31",
        "event_date=2024-01-15",
        "event_date=2024-02-29",
    ]


def test_file_with_new_content_replaces_its_rows_in_the_lake(feed, run, rows_of):
    feed.write("a.csv", over_days(feed, 1, "2024-01-15", "2024-01-16"))
    run()
    feed.write("a.csv", over_days(feed, 1, "2024-01-16", "2024-01-17", "2024-01-18"))

    result = run()

    assert (result.files_loaded, result.handover_failed) == (1, [])
    assert rows_of() == feed.expected("a.csv") == feed.rows()


def test_lake_follows_a_file_that_is_replaced_by_a_run_without_the_option(feed, run, rows_of):
    feed.write("a.csv", feed.trades(1, 2))
    run()
    feed.write("a.csv", feed.trades(1, 4))

    run(also=())

    assert rows_of() == feed.expected("a.csv")


def test_rolled_back_file_leaves_the_lake_and_what_it_had_replaced_comes_back(feed, run, rows_of):
    first = feed.write("a.csv", feed.trades(1, 2)).read_text()
    feed.write("b.csv", over_days(feed, 50, "2024-03-01"))
    run()
    feed.write("a.csv", feed.trades(1, 4))
    run()

    undone = rollback(feed.database, file_ids=(3,))
    feed.write("a.csv", first.splitlines()[1:])
    assert [handed.error for handed in undone.handed_over] == [None, None]
    assert rows_of() == feed.expected("a.csv", "b.csv") == feed.rows()

    rollback(feed.database, file_ids=(1,))
    assert rows_of() == feed.expected("b.csv")
    feed.touch("a.csv", tick=1)
    run(reload=True)
    assert rows_of() == feed.expected("a.csv", "b.csv")


def test_replayed_row_gets_into_the_lake(feed, run, rows_of):
    feed.write("a.csv", [*feed.trades(1, 3), feed.trade(4, price="-1")])
    run()
    feed.query("UPDATE ingest.reject SET raw = convert_to(replace(raw_text, ',-1,', ',4.00,'), 'UTF8')")

    result = replay(feed.database)

    assert (result.rows_loaded, [handed.rows for handed in result.handed_over]) == (1, [4])
    assert rows_of() == feed.rows()
    assert len(rows_of()) == 4


def test_file_of_many_days_and_row_groups(feed, run, rows_of, monkeypatch):
    monkeypatch.setattr("trade_ingest.lake.spool.GROUP_ROWS", 7)
    monkeypatch.setattr("trade_ingest.lake.spool._BUFFERED_ROWS", 20)
    monkeypatch.setattr("trade_ingest.lake.spool._OPEN_FILES", 3)
    monkeypatch.setattr("trade_ingest.lake.rows._BLOCK_BYTES", 512)
    feed.write("a.csv", [feed.trade(n, at=f"2024-01-{n % 9 + 10} 12:00:00") for n in range(1, 400)])

    run()

    assert rows_of() == feed.expected("a.csv")


def test_rows_are_not_read_back_from_the_server_where_what_was_copied_is_committed(feed, run, rows_of, monkeypatch):
    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr("trade_ingest.lake.rows.read_rows", refuse)
    feed.write("a.csv", over_days(feed, 1, "2024-01-16", "2024-01-15"))

    assert run().handover_failed == []
    assert rows_of() == feed.expected("a.csv")

    feed.write("b.csv", [*over_days(feed, 1, "2024-01-16"), *feed.trades(3, 4)])  # one is a duplicate
    assert len(run().handover_failed) == 1


def test_rows_that_a_trigger_changes_are_in_the_lake_as_they_are_in_the_table(feed, run, rows_of):
    feed.prepare()
    feed.query(
        "CREATE FUNCTION public.double() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN NEW.price := NEW.price * 2; RETURN NEW; END$$"
    )
    feed.query("CREATE TRIGGER double BEFORE INSERT ON market.trade FOR EACH ROW EXECUTE FUNCTION public.double()")
    feed.write("a.csv", feed.trades(1, 3, price="1.50"))

    run()

    assert rows_of() == feed.rows()
    assert {line.split(",")[3] for _, _, line in rows_of()} == {"3.00"}


def test_disk_that_keeps_no_rows_does_not_hold_up_the_load(feed, run, rows_of, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.OSFile", refuse)
    feed.write("a.csv", feed.trades(1, 3))

    assert (run().files_loaded, rows_of()) == (1, feed.expected("a.csv"))


@pytest.fixture
def killed_at(feed, drive, gate, wait_until, also):
    """Kills a run where the database is told something."""

    def kill(moment, table, condition):
        feed.prepare()
        gate.at(moment, table, condition)
        driver = drive(also=list(also))
        (session,) = gate.wait_for()
        driver.kill()
        feed.query("SELECT pg_terminate_backend(%s)", session)
        wait_until(lambda: not gate.waiting(), "the session of the killed process ends")
        gate.open()
        feed.query(f"DROP TRIGGER gate_{abs(hash((moment, table, condition)))} ON {table}")

    return kill


def test_killed_before_the_commit_leaves_nothing(feed, run, rows_of, killed_at):
    feed.write("a.csv", feed.trades(1, 3))
    killed_at("BEFORE UPDATE", "ingest.file", "NEW.state = 'loaded'")

    assert (rows_of(), feed.rows(), states(feed)) == ([], [], [])
    assert run().files_handed_over == 1
    assert rows_of() == feed.expected("a.csv")


def test_killed_between_the_commit_and_the_hand_over(feed, run, rows_of, killed_at):
    feed.write("a.csv", over_days(feed, 1, "2024-01-15", "2024-01-16"))
    killed_at("BEFORE UPDATE", "ingest.handover", "NEW.attempts = 1 AND NEW.done_at IS NULL")

    assert (rows_of(), feed.rows()) == ([], feed.expected("a.csv"))
    assert states(feed) == [("a.csv", None, 0, False, None)]
    again = run(also=())  # a run of the same target makes it up, whatever it is asked for
    assert (again.files_planned, again.files_handed_over) == (0, 1)
    assert rows_of() == feed.expected("a.csv")


def test_killed_between_the_hand_over_and_its_record(feed, run, rows_of, killed_at):
    feed.write("a.csv", over_days(feed, 1, "2024-01-15", "2024-01-16"))
    killed_at("BEFORE UPDATE", "ingest.handover", "NEW.done_at IS NOT NULL")

    assert rows_of() == feed.expected("a.csv")
    assert states(feed) == [("a.csv", None, 1, False, None)]
    assert run().files_handed_over == 1
    assert rows_of() == feed.expected("a.csv")


def test_killed_then_rolled_back_takes_out_what_was_written(feed, run, rows_of, killed_at):
    feed.write("a.csv", over_days(feed, 1, "2024-01-15", "2024-01-16"))
    killed_at("BEFORE UPDATE", "ingest.handover", "NEW.done_at IS NOT NULL")

    rollback(feed.database, file_ids=(1,))

    assert (rows_of(), states(feed)) == ([], [("a.csv", 0, 2, True, None)])


@pytest.mark.parametrize("kind", ["iceberg"])
def test_killed_between_the_objects_and_the_catalog(feed, run, rows_of, killed_at, place):
    feed.write("a.csv", over_days(feed, 1, "2024-01-15", "2024-01-16"))
    killed_at("BEFORE UPDATE", "ingest.iceberg_tables", "true")

    assert len(list(place.rglob("*.parquet"))) == 2  # which no reader of the table sees
    assert rows_of() == []
    run()
    assert rows_of() == feed.expected("a.csv")


@pytest.mark.parametrize("kind", ["iceberg"])
def test_appends_are_told_by_their_snapshots_and_others_are_kept(feed, run, rows_of):
    feed.write("a.csv", feed.trades(1, 3))
    run()
    feed.query("UPDATE ingest.handover SET rows = NULL, loaded_at = NULL")  # as if it had not been recorded
    feed.write("b.csv", feed.trades(4, 6))

    assert run().files_handed_over == 2

    snapshots = iceberg_table(feed).snapshots()
    assert [snapshot.summary.operation.value for snapshot in snapshots] == ["append", "append"]
    assert [key for s in snapshots for key in s.summary.additional_properties if key.startswith("trade-ingest.")] == [
        f"trade-ingest.{token}.{file_id}"
        for file_id in (1, 2)
        for (token,) in feed.query("SELECT token FROM ingest.lake")
    ]
    assert rows_of() == feed.expected("a.csv", "b.csv")


@pytest.mark.parametrize("kind", ["iceberg"])
def test_replaced_file_is_swapped_in_one_commit(feed, run, rows_of):
    feed.write("a.csv", feed.trades(1, 3))
    run()
    before = feed.query("SELECT metadata_location FROM ingest.iceberg_tables")
    feed.write("a.csv", feed.trades(1, 5))

    run()

    assert feed.query("SELECT previous_metadata_location FROM ingest.iceberg_tables") == before
    assert rows_of() == feed.expected("a.csv")


def test_store_that_refuses_fails_the_hand_over_alone_and_the_next_run_makes_it_up(
    feed, run, rows_of, monkeypatch, kind
):
    feed.write("a.csv", feed.trades(1, 3))
    if kind == "iceberg":
        run()  # the table is made
        feed.write("b.csv", feed.trades(4, 6))

    def refuse(path, *_):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(placing, "copyfileobj", refuse)
        result = run()

    (failed,) = result.handover_failed
    assert (result.state, failed.error.code, result.files_handed_over) == ("succeeded", "handover.failed", 0)
    assert "Permission denied" in failed.error.message
    assert feed.query("SELECT kind FROM ingest.event WHERE kind = 'handover_failed'") == [("handover_failed",)]
    again = run()
    assert (again.files_planned, again.files_handed_over) == (0, 1)
    assert rows_of() == feed.rows()


def test_two_runs_at_once_hand_over_each_file_once(feed, drive, rows_of, also):
    names = [f"{n}.csv" for n in range(8)]
    for n, name in enumerate(names):
        feed.write(name, feed.trades(n * 10, n * 10 + 3))
    feed.prepare()

    results = [driver.result() for driver in [drive(parallelism=2, also=list(also)) for _ in range(2)]]

    assert [result["handover_failed"] for result in results] == [[], []]
    assert sum(result["files_handed_over"] for result in results) == 8
    assert rows_of() == feed.expected(*names)


def test_what_a_lake_holds_is_shown(feed, run, also, capsys):
    path = feed.write("a.csv", feed.trades(1, 3))
    result = run()

    with open_ledger(feed.database) as connection:
        (lake,) = get_file(connection, 1).lakes
    assert (lake.lake, lake.state, lake.rows, lake.run_id) == (also[0], "done", 3, result.run_id)
    assert lake.sentence.startswith(f"3 rows are in {also[0]} since ")
    (version,) = explain(feed.database, str(path)).versions
    assert [shown.sentence for shown in version.lakes] == [lake.sentence]
    assert main(["files", "1", "--database", feed.database]) == 0
    assert f"  lake       3 rows are in {also[0]} since " in capsys.readouterr().out
    events = feed.query("SELECT kind, detail ->> 'rows' FROM ingest.event WHERE kind = 'file_handed_over'")
    assert events == [("file_handed_over", "3")]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("orc:/lake", "expected parquet:URI"),
        ("parquet:", "expected parquet:URI"),
        ("parquet:https://host/lake", "expected a folder"),
        ("parquet:/lake/*.parquet", "expected a folder"),
        ("parquet:{folder}/lake", "is inside the source"),
    ],
)
def test_what_is_no_lake_is_refused_before_the_run(feed, wanted, said):
    feed.write("a.csv", feed.trades(1, 3))

    with pytest.raises(UsageError, match=said):
        feed.run(also=(wanted.format(folder=feed.folder),))
    assert feed.query("SELECT to_regclass('ingest.run')") == [(None,)]


@pytest.mark.parametrize("kind", ["iceberg"])
def test_iceberg_table_with_other_columns_or_elsewhere_is_refused(feed, run, make_contract, place):
    feed.write("a.csv", feed.trades(1, 3))
    run()

    with pytest.raises(LakeIncompatibleError, match=r"market\.trade is at file://"):
        feed.run(also=(f"iceberg:{place}2",))
    with open_ledger(feed.database) as connection, connection.transaction():
        connection.execute("UPDATE ingest.iceberg_tables SET table_name = 'print'")
    columns = [
        *feed.contract.model_dump(mode="json", by_alias=True)["columns"][:4],
        {"name": "quantity", "type": "integer"},
    ]
    other = make_contract(columns=columns, control_totals=[], target={"table": "print"})
    with pytest.raises(LakeIncompatibleError, match=r"column quantity is decimal\(18, 2\), expected long"):
        feed.run(contract=other, also=(f"iceberg:{place}",))


def test_configured_catalog_is_used(feed, drive, tmp_path, monkeypatch):
    from pyiceberg.catalog.sql import SqlCatalog

    properties = {"uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": f"file://{tmp_path}/house"}
    for name, value in {"type": "sql", **properties}.items():
        monkeypatch.setenv(f"PYICEBERG_CATALOG__OTHER__{name.upper()}", value)
    (tmp_path / "house").mkdir()
    feed.write("a.csv", feed.trades(1, 3))

    result = drive(also=["iceberg:other:desk.trades"]).result()  # pyiceberg reads its configuration once a process

    assert (result["files_handed_over"], result["handover_failed"]) == (1, [])
    catalog = SqlCatalog("other", **properties)
    assert catalog.load_table("desk.trades").scan().to_arrow().num_rows == 3
    catalog.close()
