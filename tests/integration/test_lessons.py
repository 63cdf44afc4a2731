"""One golden test for each lesson of other loaders' users that applies to files loaded on one machine.

The number in a test's name is the lesson's.

=======  =============================================================================================
lesson   where it is, if not or not only here
=======  =============================================================================================
1, 2, 3  also ``load/test_worker_crash.py`` and ``load/test_driver_crash.py``: kills at each step
4        executors that are lost or run twice: comes with the Spark engine
7        also ``load/test_changed_files.py``
11       also ``test_replay.py``: rejects are loaded again after a correction
19       also ``load/test_reject_limits.py``
20       also ``unit/source/test_records.py`` and ``test_blocks.py``: cut anywhere, by hypothesis
24       also ``unit/source/test_blocks.py``
33-35    also ``unit/parse/test_conversion.py``: every cell against decimal, datetime and zoneinfo
36       a cap on connections to PostgreSQL: comes with the Spark engine
38       also ``cli/test_interrupt.py``
39       also ``load/test_keys.py``
=======  =============================================================================================
"""

import bz2
import csv
import gzip
import json
import lzma
import os
import random
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from trade_ingest.contract.loading import parse_contract
from trade_ingest.contract.model import OnChanged
from trade_ingest.ledger.events import EventKind
from trade_ingest.ledger.queries import list_files
from trade_ingest.ledger.runs import RunState
from trade_ingest.pipeline import RunOptions, baseline, ingest, plan

CONTRACT = """
name: tick
version: 1
columns:
  - {name: id, type: text}
  - {name: price, type: "decimal(38,18)"}
  - {name: at, type: timestamp, zone: UTC}
  - {name: note, type: text, required: false}
event_time: at
rejects: {max_count: 1000, max_ratio: 1}
control_totals: [price]
target: {table: tick}
"""
HEADER = "id,price,at,note"
AT = "2024-01-02 03:04:05"


def row(name, *, price="1.5", at=AT, note="n"):
    return f"{name},{price},{at},{note}"


@dataclass
class Feed:
    """A folder of files, the contract that they are loaded with, and the database."""

    database: str
    folder: Path
    yaml: str = CONTRACT
    ticks: int = 0

    @property
    def contract(self):
        return parse_contract(self.yaml, origin="tick.yaml")

    def change(self, old, new):
        """Change the contract's text."""
        assert old in self.yaml
        self.yaml = self.yaml.replace(old, new)

    def write(self, name, *lines, header=HEADER, end="\n"):
        return self.write_bytes(name, ("\n".join([*([header] if header else []), *lines]) + end).encode())

    def write_bytes(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.ticks += 1  # each write is another version
        os.utime(path, ns=(self.ticks * 10**9, self.ticks * 10**9))
        return str(path)

    def ingest(self, *names, **options):
        sources = [str(self.folder / name) for name in names] or [str(self.folder)]
        options = RunOptions(**{"parallelism": 1} | options)
        return ingest(sources, contract=self.contract, database=self.database, options=options)

    def load(self, *lines, **keys):
        """Write one file, load it, and give the ledger's row of it."""
        uri = self.write("tick.csv", *lines, **keys)
        self.ingest("tick.csv")
        return self.file(uri)

    def load_bytes(self, content):
        uri = self.write_bytes("tick.csv", content)
        self.ingest("tick.csv")
        return self.file(uri)

    def file(self, uri):
        with psycopg.connect(self.database) as connection:
            return next(file for file in list_files(connection, limit=None) if file.uri == uri)

    def query(self, statement, *parameters):
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def column(self, statement):
        return [first for first, *_ in self.query(statement)]

    def ids(self):
        return self.column("SELECT id FROM tick ORDER BY file_id, row_number")

    def rejects(self):
        """Row number and codes of each reject."""
        statement = "SELECT row_number, reasons FROM ingest.reject ORDER BY file_id, row_number"
        return [(number, [reason["code"] for reason in reasons]) for number, reasons in self.query(statement)]


@pytest.fixture
def feed(database_url, tmp_path):
    (tmp_path / "in").mkdir()
    return Feed(database_url, tmp_path / "in")


def test_lesson_01_rows_and_ledger_are_one_commit(feed):
    feed.write("seed.csv", row("seed"))
    feed.ingest()
    feed.query(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'no ledger today'; END $$;"
        "CREATE TRIGGER refuse BEFORE UPDATE ON ingest.file FOR EACH ROW"
        " WHEN (NEW.state = 'loaded') EXECUTE FUNCTION refuse()"
    )
    uri = feed.write("a.csv", row("a"), row("b"))
    assert feed.ingest().files_failed == 1
    assert feed.ids() == ["seed"]
    assert feed.file(uri).state == "failed"
    feed.query("DROP TRIGGER refuse ON ingest.file")
    assert feed.ingest().files_loaded == 1
    assert feed.ids() == ["seed", "a", "b"]


def test_lesson_02_a_failed_attempt_leaves_no_row_and_is_on_record(feed):
    feed.change("version: 1\n", "version: 1\nformat: {trailer: {pattern: 'T[|](?P<rows>[0-9]+)'}}\n")
    uri = feed.write("a.csv", row("a"), row("b"), "T|3")
    assert feed.ingest().files_failed == 1
    assert feed.ids() == []
    feed.write("a.csv", row("a"), row("b"), "T|2")
    assert feed.ingest().rows_loaded == 2
    statement = (
        "SELECT a.state, a.number, a.rows_read FROM ingest.attempt AS a JOIN ingest.file USING (file_id) ORDER BY 1"
    )
    assert feed.query(statement) == [("failed", 1, 2), ("loaded", 1, 2)]
    assert feed.ids() == ["a", "b"]
    assert feed.file(uri).state == "loaded"


def test_lesson_03_the_file_is_the_unit_and_each_row_names_its_file(feed):
    feed.write("a.csv", row("a"))
    broken = feed.write("b.csv", row("b"), header="id,price,at,nonsense")
    feed.write("c.csv", row("c"))
    result = feed.ingest()
    assert (result.files_loaded, result.files_failed) == (2, 1)
    feed.write("b.csv", row("b"))
    assert feed.ingest().files_loaded == 1
    statement = "SELECT t.id, f.uri, t.row_number FROM tick AS t JOIN ingest.file AS f USING (file_id) ORDER BY t.id"
    folder = str(feed.folder)
    assert feed.query(statement) == [("a", f"{folder}/a.csv", 1), ("b", broken, 1), ("c", f"{folder}/c.csv", 1)]


def test_lesson_05_a_file_that_arrives_late_with_an_old_time_is_found(feed):
    feed.write("new.csv", row("new"))
    feed.ingest()
    os.utime(feed.write("late.csv", row("late")), ns=(1, 1))
    assert feed.ingest().files_loaded == 1
    assert feed.ids() == ["new", "late"]


def test_lesson_06_the_ledger_belongs_to_the_target_and_not_to_the_job(feed):
    feed.write("a.csv", row("a"))
    feed.ingest()
    feed.change("name: tick\nversion: 1", "name: other\nversion: 7")
    assert feed.ingest().files_planned == 0
    feed.change("table: tick", "table: tock")
    assert feed.ingest().files_loaded == 1
    assert (feed.ids(), feed.column("SELECT id FROM tock")) == (["a"], ["a"])


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("replace", ["new"]), ("append", ["old", "new"]), ("skip", ["old"]), ("fail", ["old"])],
)
def test_lesson_07_same_path_with_new_content_follows_the_policy(feed, policy, expected):
    feed.write("a.csv", row("old"))
    feed.ingest()
    feed.write("a.csv", row("new"))
    feed.ingest(on_changed=OnChanged(policy))
    assert feed.ids() == expected


def test_lesson_07_same_content_under_a_new_path_is_not_loaded_again(feed):
    feed.write("a.csv", row("a"))
    feed.ingest()
    copy = feed.write("copy.csv", row("a"))
    assert feed.ingest().files_loaded == 0
    assert (feed.file(copy).state, feed.file(copy).reason) == ("skipped", "same_content")
    assert feed.ids() == ["a"]


def test_lesson_07_files_can_be_marked_as_loaded(feed):
    feed.write("a.csv", row("a"))
    baseline([str(feed.folder)], contract=feed.contract, database=feed.database)
    feed.write("b.csv", row("b"))
    feed.ingest()
    assert feed.ids() == ["b"]


def test_lesson_08_a_skipped_file_says_why(feed):
    uri = feed.write("a.csv", row("a"))
    run_id = feed.ingest().run_id
    (planned,) = plan([uri], contract=feed.contract, database=feed.database).files
    assert planned.reason == "already_loaded"
    assert planned.explanation.startswith(f"loaded by run {run_id} at ")
    assert planned.explanation.endswith("same version")


def test_lesson_09_nothing_of_a_load_is_on_the_local_disk(feed, tmp_path):
    program = """
import sys
from trade_ingest.contract.loading import load_contract
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions
uri, contract, database = sys.argv[1:]
done = ingest([uri], contract=load_contract(contract), database=database, options=RunOptions(parallelism=1))
print(done.files_loaded)
"""
    feed.write("a.csv", row("a"))
    contract = tmp_path / "tick.yaml"
    contract.write_text(CONTRACT)
    loaded = []
    for name in ("one", "two"):  # two machines, as far as files go
        home = tmp_path / name
        home.mkdir()
        command = [sys.executable, "-B", "-c", program, str(feed.folder), str(contract), feed.database]
        environment = os.environ | {"HOME": str(home), "TMPDIR": str(home)}
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=True)
        loaded.append(done.stdout.strip())
        assert list(home.iterdir()) == []
    assert loaded == ["1", "0"]
    assert [path.name for path in feed.folder.iterdir()] == ["a.csv"]


def test_lesson_10_no_prepared_transactions_are_needed(feed):
    assert feed.query("SHOW max_prepared_transactions") == [("0",)]
    assert feed.load(row("a")).state == "loaded"


def test_lesson_11_rejected_rows_are_kept_without_asking(feed):
    feed.load(row("a"), row("b", price="x"))
    kept = feed.query("SELECT row_number, raw_text, state, reasons FROM ingest.reject")
    reason = {"column": "price", "value": "x", "code": "invalid_decimal"}
    assert kept == [(2, f"b,x,{AT},n", "open", [reason])]


def test_lesson_12_a_reject_says_file_row_column_value_and_rule(feed):
    uri = feed.write("a.csv", row("a"), row("b", price="1.0000000000000000001", at="2024-02-30 00:00:00"))
    feed.ingest()
    statement = "SELECT uri, row_number, byte_offset, reasons FROM ingest.reject JOIN ingest.file USING (file_id)"
    reasons = [
        {"column": "price", "value": "1.0000000000000000001", "code": "scale_exceeded"},
        {"column": "at", "value": "2024-02-30 00:00:00", "code": "invalid_timestamp"},
    ]
    assert feed.query(statement) == [(uri, 2, len(f"{HEADER}\n{row('a')}\n"), reasons)]


def test_lesson_13_a_reject_is_the_original_bytes(feed):
    bad = [b'"x, ""y""",  1.50x ,2024-01-02T03:04:05,"two\r\nlines"', b"\xe9t\xe9,1,2024-01-02 03:04:05,", b"q\0,1,,"]
    content = HEADER.encode() + b"\r\n" + b"\r\n".join([row("a").encode(), *bad, row("b").encode()]) + b"\r\n"
    feed.load_bytes(content)
    kept = feed.query("SELECT raw, byte_offset FROM ingest.reject ORDER BY row_number")
    assert [raw for raw, _ in kept] == bad
    assert [content[offset : offset + len(raw)] for raw, offset in kept] == bad


def test_lesson_14_read_is_loaded_and_duplicate_and_rejected(feed):
    feed.change("event_time", "key: [id]\nevent_time")
    feed.write("a.csv", row("a"), row("b"))
    feed.ingest()
    file = feed.load(row("a"), row("b", price="2"), row("c"), row("d", price="x"), "ragged", header=HEADER)
    counts = (file.rows_read, file.rows_loaded, file.rows_duplicate, file.rows_rejected)
    assert counts == (5, 1, 1, 3)
    assert feed.rejects() == [(2, ["key_conflict"]), (4, ["invalid_decimal"]), (5, ["field_count"])]
    with pytest.raises(psycopg.errors.CheckViolation):
        feed.query("UPDATE ingest.file SET rows_loaded = rows_loaded + 1 WHERE state = 'loaded'")


def test_lesson_15_a_malformed_row_does_not_stop_the_rest(feed):
    bad = ['"b,1,2,3', 'c"c,1,2,3', '"d"d,1,2,3', 'e,"1\n']
    lines = [line for i, text in enumerate(bad) for line in (row(f"good{i}"), text.strip("\n"))]
    file = feed.load(*lines, row("last", note='"it ""works"""'))
    assert feed.ids() == ["good0", "good1", "good2", "good3", "last"]
    assert feed.rejects() == [(number, ["malformed_record"]) for number in (2, 4, 6, 8)]
    assert file.rows_read == 9


@pytest.mark.parametrize("ignores", ["fail", "ignore"], ids=["all columns known", "last column not read"])
def test_lesson_16_ragged_rows_are_rejects_never_padded(feed, ignores):
    feed.change("event_time", f"drift: {{unknown_columns: {ignores}}}\nevent_time")
    extra = "" if ignores == "fail" else ",more"
    lines = [
        row("a") + extra,
        f"b,1,{AT}{extra}",
        row("c") + extra + ",x",
        row("d") + extra,
        f"e,1,{AT}",
        row("f") + ",,,",
    ]
    feed.load(*lines, header=HEADER + extra)
    assert feed.ids() == ["a", "d"]
    assert feed.rejects() == [(number, ["field_count"]) for number in (2, 3, 5, 6)]


def test_lesson_17_a_wrong_type_is_a_reject_and_never_null(feed):
    feed.yaml = CONTRACT.replace(
        "event_time",
        """  - {name: n, type: integer, required: false}
  - {name: d, type: "decimal(4,2)", required: false}
  - {name: b, type: boolean, required: false}
  - {name: day, type: date, required: false}
  - {name: t, type: timestamp, epoch: auto, required: false}
  - {name: u, type: uuid, required: false}
  - {name: j, type: json, required: false}
  - {name: e, type: enum, values: [BUY, SELL], required: false}
event_time""",
    )
    columns = ["n", "d", "b", "day", "t", "u", "j", "e"]
    wrong = ["1.0", "1e3", "yes", "2024-13-01", "9999999999999999999", "0", '"""\\ud800"""', "buy"]
    empty = [""] * len(columns)
    lines = [row("ok") + "," + ",".join(empty)]
    lines += [row(c) + "," + ",".join([*empty[:i], wrong[i], *empty[i + 1 :]]) for i, c in enumerate(columns)]
    file = feed.load(*lines, header=",".join([HEADER, *columns]))
    assert file.state == "loaded"
    assert feed.ids() == ["ok"]
    assert [codes for _, codes in feed.rejects()] == [
        ["invalid_integer"],
        ["precision_exceeded"],
        ["invalid_boolean"],
        ["invalid_date"],
        ["timestamp_out_of_range"],
        ["invalid_uuid"],
        ["invalid_json"],
        ["not_in_values"],
    ]
    assert feed.query("SELECT n, d, b, day, t, u, j, e FROM tick") == [(None,) * 8]


def test_lesson_18_a_limit_on_rejects_is_on_by_default(feed):
    feed.change("rejects: {max_count: 1000, max_ratio: 1}\n", "")
    lines = [row(i, price="x" if i < 20 else 1) for i in range(1000)]
    file = feed.load(*lines)
    assert (file.state, feed.ids()) == ("failed", [])
    assert "20 of 1,000 rows rejected, more than 10 and 1.00%" in file.error["message"]
    feed.write("tick.csv", *[row(i, price="x" if i < 10 else 1) for i in range(1000)])
    assert feed.ingest().rows_rejected == 10
    assert len(feed.ids()) == 990


@pytest.mark.parametrize(
    ("limit", "rejected", "is_loaded"),
    [
        ("{max_count: 3, max_ratio: 0}", 3, True),
        ("{max_count: 3, max_ratio: 0}", 4, False),
        ("{max_count: 0, max_ratio: 0.02}", 2, True),
        ("{max_count: 0, max_ratio: 0.02}", 3, False),
    ],
)
def test_lesson_19_more_rejects_than_the_limits_undo_the_whole_file(feed, limit, rejected, is_loaded):
    feed.change("{max_count: 1000, max_ratio: 1}", limit)
    feed.write("before.csv", row("before"))
    feed.ingest()
    file = feed.load(*[row(i, price="1" if i < 100 - rejected else "x") for i in range(100)])
    assert file.state == ("loaded" if is_loaded else "failed")
    assert len(feed.ids()) == 1 + (100 - rejected if is_loaded else 0)
    assert feed.query("SELECT count(*) FROM ingest.reject") == [(rejected,)]


def test_lesson_20_quoted_line_breaks_do_not_break_the_split_into_blocks(feed):
    draw = random.Random(20)
    notes = ["plain", "two\nlines", 'a "quote"', ",", '\n,"\n', "many\r\nlines\n" * 30]
    path = feed.folder / "tick.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER.split(","))
        writer.writerows((i, 1, AT, draw.choice(notes)) for i in range(120_000))
    assert path.stat().st_size > 9 << 20  # more than two blocks
    feed.ingest()
    with path.open(newline="") as file:
        expected = [(r["id"], r["note"]) for r in csv.DictReader(file)]
    assert feed.query("SELECT id, note FROM tick ORDER BY row_number") == expected
    assert feed.rejects() == []


def test_lesson_21_the_target_has_each_row_of_each_block(feed):
    lines = [row(i, price=f"{i}.25") for i in range(200_000)]
    file = feed.load(*lines)
    assert file.size_bytes > 6 << 20
    counts = feed.query("SELECT count(*), count(DISTINCT id), min(row_number), max(row_number), sum(price) FROM tick")
    total = sum(Decimal(i) + Decimal("0.25") for i in range(200_000))
    assert counts == [(200_000, 200_000, 1, 200_000, total)]
    assert (file.rows_read, file.rows_loaded) == (200_000, 200_000)
    assert feed.query("SELECT (control_totals->>'price')::numeric FROM ingest.file") == [(total,)]


def test_lesson_22_a_delimiter_in_quotes_is_text(feed):
    feed.load(row("a", note='"x, ""y"", z"'), row('"b,b"', price='"2"'))
    assert feed.query("SELECT id, price, note FROM tick ORDER BY 1") == [
        ("a", Decimal("1.5"), 'x, "y", z'),
        ("b,b", Decimal(2), "n"),
    ]


def test_lesson_23_types_are_declared_and_never_inferred(feed):
    ids = ["007", "1e5", "NA", "NULL", "TRUE", "INF", "1234567890123456789", "2024-01-02", "0x1F"]
    feed.load(*[row(name, note="1" if i < 8 else "text") for i, name in enumerate(ids)])
    assert feed.ids() == ids
    assert feed.column("SELECT note FROM tick ORDER BY row_number") == ["1"] * 8 + ["text"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (HEADER.encode(), []),
        (f"{HEADER}\n".encode(), []),
        (f"\n\n{HEADER}\n\n{row('a')}\n\n\n".encode(), ["a"]),
        (f"{HEADER}\n{row('a')}".encode(), ["a"]),
        (f"{HEADER}\r\n{row('a')}\r\n{row('b')}\r".encode(), ["a", "b"]),
        (f'"id","price",at,"note"\n{row("a")}\n'.encode(), ["a"]),
    ],
    ids=[
        "empty",
        "header",
        "header line",
        "blank lines",
        "no final line break",
        "cut in a line break",
        "quoted header",
    ],
)
def test_lesson_24_odd_files_have_a_defined_outcome(feed, content, expected):
    file = feed.load_bytes(content)
    assert (file.state, file.rows_read) == ("loaded", len(expected))
    assert feed.ids() == expected


@pytest.mark.parametrize("name", ["trade\nid", "n" * 200_000, 'i"d'], ids=["line break", "huge", "quote"])
def test_lesson_24_odd_header_names_can_be_declared(feed, name):
    feed.change("{name: id, type: text}", f"{{name: id, type: text, source: {json.dumps(name)}}}")
    quoted = '"' + name.replace('"', '""') + '"'
    feed.load(row("a"), header=HEADER.replace("id", quoted, 1))
    assert feed.ids() == ["a"]


def test_lesson_24_files_may_have_no_header(feed):
    feed.yaml = """
name: tick
version: 1
format: {header: false}
columns:
  - {name: id, type: text, position: 1}
  - {name: at, type: timestamp, zone: UTC, position: 3}
event_time: at
drift: {unknown_columns: ignore}
target: {table: tick}
"""
    feed.load(row("a"), row("b"), header="")
    assert feed.ids() == ["a", "b"]


def test_lesson_25_columns_are_found_by_name_in_any_order(feed):
    feed.change("{name: id, type: text}", "{name: id, type: text, source: [Trade Id, TID]}")
    feed.write("a.csv", f"n,{AT},7,a", header="NOTE, at ,price,TID")
    feed.write("b.csv", f"b,{AT},8", header="Trade Id,at,price")
    feed.ingest()
    assert feed.query("SELECT id, price, note FROM tick ORDER BY 1") == [("a", 7, "n"), ("b", 8, None)]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("id,prcie,at,note", "column 'price' is missing (is it 'prcie'?)"),
        ("id,price,at,note,extra", "column 'extra' is not in the contract"),
        ("id,price,at,price", "column 'price' occurs 2 times"),
    ],
)
def test_lesson_25_missing_unknown_and_doubled_columns_fail_the_file(feed, header, problem):
    file = feed.load(row("a"), header=header)
    assert (file.state, file.error["code"]) == ("failed", "file.header")
    assert problem in file.error["message"]
    assert file.error["message"].endswith(f"columns read: {header.replace(',', ', ')}")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_lesson_26_a_byte_order_mark_is_not_part_of_the_first_name(feed, encoding):
    mark = "\ufeff" if encoding.endswith("e") else ""
    feed.load_bytes((mark + f"{HEADER}\n{row('é', note='€')}\n{row('b', price='x')}\n").encode(encoding))
    assert feed.query("SELECT id, note FROM tick") == [("é", "€")]
    assert feed.rejects() == [(2, ["invalid_decimal"])]


def test_lesson_26_another_encoding_is_recognised_by_the_message(feed):
    file = feed.load_bytes(f"{HEADER}\n{row('a')}\n".encode("utf-16-le"))
    assert file.state == "failed"
    assert r"columns read: i\x00d\x00, \x00p\x00r\x00i" in file.error["message"]


def test_lesson_27_nul_and_undecodable_bytes_are_rejects(feed):
    lines = [row("a").encode(), b"b\0" + row("").encode(), row("c", note="\0").encode(), b"\xff" + row("d").encode()]
    file = feed.load_bytes(b"\n".join([HEADER.encode(), *lines, row("e").encode()]))
    assert (file.state, feed.ids()) == ("loaded", ["a", "e"])
    assert feed.rejects() == [(2, ["nul_byte"]), (3, ["nul_byte"]), (4, ["bad_encoding"])]
    assert feed.column("SELECT raw_text FROM ingest.reject ORDER BY row_number")[0] == f"b\\x00,1.5,{AT},n"


MEASURED_LOAD = """
import json, pathlib, re, resource, sys
from trade_ingest.contract.loading import load_contract
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions
uri, contract, database = sys.argv[1:]
done = ingest([uri], contract=load_contract(contract), database=database, options=RunOptions(parallelism=1))
peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
status = pathlib.Path("/proc/self/status")
if status.exists():  # ru_maxrss is that of the parent if it was larger when it forked
    peak_bytes = int(re.search(r"VmHWM:\\s*([0-9]+) kB", status.read_text())[1]) * 1024
error = done.failed[0].error.message if done.failed else ""
print(json.dumps({"peak_bytes": peak_bytes, "rows_loaded": done.rows_loaded, "error": error}))
"""


def measured_load(feed, path, tmp_path):
    contract = tmp_path / "tick.yaml"
    contract.write_text(feed.yaml)
    command = [sys.executable, "-c", MEASURED_LOAD, str(path), str(contract), feed.database]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_lesson_28_memory_does_not_grow_with_the_file(feed, tmp_path):
    part = "".join(row(i, price=f"{i}.000000001") + "\n" for i in range(20_000)).encode()
    loads = []
    for mebibytes in (40, 150):
        path = tmp_path / f"{mebibytes}.csv"
        with path.open("wb") as file:
            file.write(HEADER.encode() + b"\n")
            for _ in range(mebibytes * 2**20 // len(part) + 1):
                file.write(part)
        loads.append(measured_load(feed, path, tmp_path))
        assert loads[-1]["rows_loaded"] * len(part) / 20_000 >= mebibytes << 20
    small, large = (load["peak_bytes"] for load in loads)
    assert large < 600 << 20
    assert large < small * 1.25 + (16 << 20)


@pytest.mark.parametrize(
    ("filler", "error"),
    [(b"\n", ""), (b" ", "no record ends in"), (b"\0", "no record ends in")],
    ids=["blank lines", "one line of blanks", "one line of zeros"],
)
def test_lesson_29_a_highly_compressed_file_does_not_fill_the_memory(feed, tmp_path, filler, error):
    path = tmp_path / "bomb.csv"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(f"{HEADER}\n{row('a')}\n".encode())
        for _ in range(300):
            file.write(filler * (1 << 20))
    assert path.stat().st_size < 3 << 20
    load = measured_load(feed, path, tmp_path)
    assert load["peak_bytes"] < 600 << 20
    assert error in load["error"]
    assert load["rows_loaded"] == (0 if error else 1)


def test_lesson_29_compression_is_seen_in_the_bytes_and_members_are_one_content(feed):
    first, second = f"{HEADER}\n{row('a')}\n".encode(), f"{row('b')}\n".encode()
    feed.write_bytes("one.csv", gzip.compress(first) + gzip.compress(second))
    feed.write_bytes("two.csv.gz", bz2.compress(first.replace(b"a,1", b"c,1", 1)))
    feed.write_bytes("three.txt", lzma.compress(first.replace(b"a,1", b"d,1", 1)))
    feed.write_bytes("four.csv.gz", first.replace(b"a,1", b"e,1", 1))
    feed.ingest()
    assert sorted(feed.ids()) == ["a", "b", "c", "d", "e"]


def test_lesson_29_a_truncated_file_fails_and_leaves_nothing(feed):
    draw = random.Random(29)
    whole = gzip.compress((HEADER + "\n" + "".join(row(draw.random()) + "\n" for _ in range(150_000))).encode())
    file = feed.load_bytes(whole[: len(whole) - 1000])
    assert (file.state, file.error["code"], feed.ids()) == ("failed", "file.corrupt", [])
    assert f"damaged gzip data near byte {len(whole) - 1000}: the compressed data ends early" in file.error["message"]


def test_lesson_30_rows_come_by_copy_alone(feed):
    feed.load(*[row(i) for i in range(50_000)])
    # each statement of a transaction has a number that its rows keep
    assert feed.query("SELECT count(DISTINCT cmin::text), count(*) FROM tick") == [(1, 50_000)]


def test_lesson_31_the_target_is_partitioned_by_time_and_has_no_index_that_grows_at_random(feed):
    feed.load(row("a"), row("b", at="2024-02-01 00:00:00"), row("c", at="2024-01-31 23:59:59.999999"))
    assert feed.query("SELECT tableoid::regclass::text, id FROM tick ORDER BY 2") == [
        ("tick_p202401", "a"),
        ("tick_p202402", "b"),
        ("tick_p202401", "c"),
    ]
    methods = (
        "SELECT DISTINCT amname FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid JOIN pg_am AS a ON a.oid = relam"
    )
    assert feed.query(methods + " WHERE indrelid = 'tick_p202401'::regclass") == [("brin",)]


def test_lesson_32_validation_leaves_nothing_in_the_rows(feed):
    feed.load(row("a"), row("b", price="x"))
    columns = "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'tick'::regclass"
    assert feed.query(columns + " AND attnum > 0 ORDER BY attnum") == [
        ("id", "text"),
        ("price", "numeric(38,18)"),
        ("at", "timestamp with time zone"),
        ("note", "text"),
        ("file_id", "bigint"),
        ("row_number", "bigint"),
    ]


def test_lesson_33_decimals_are_exact_or_rejected(feed):
    good = [
        "99999999999999999999.999999999999999999",
        "0.1",
        "1e-18",
        "-0",
        "+5",
        "5.",
        ".5",
        "1.5000000000000000000000",
    ]
    bad = {
        "1.0000000000000000001": "scale_exceeded",
        "100000000000000000000": "precision_exceeded",
        "1_000": "invalid_decimal",
    }
    bad |= {"NaN": "invalid_decimal", "Infinity": "invalid_decimal", " 5": "invalid_decimal", "５": "invalid_decimal"}  # noqa: RUF001
    feed.load(*[row(text, price=text) for text in [*good, *bad]])
    assert feed.query("SELECT id, price FROM tick ORDER BY row_number") == [(text, Decimal(text)) for text in good]
    assert [codes for _, codes in feed.rejects()] == [[code] for code in bad.values()]


def test_lesson_34_local_times_become_utc_and_those_that_are_none_are_rejects(feed):
    feed.change("zone: UTC", "zone: America/New_York")
    times = ["2024-01-02 12:00:00.123", "2024-07-02T12:00:00.000001", "2024-11-03 01:30:00", "2024-03-10 02:30:00"]
    feed.load(*[row(i, at=at) for i, at in enumerate(times)], row("naive", at="2024-01-02 12:00:00Z"))
    assert feed.query("SELECT id, at FROM tick ORDER BY row_number") == [
        ("0", datetime(2024, 1, 2, 17, 0, 0, 123_000, UTC)),
        ("1", datetime(2024, 7, 2, 16, 0, 0, 1, UTC)),
    ]
    assert feed.rejects() == [(3, ["ambiguous_time"]), (4, ["nonexistent_time"]), (5, ["invalid_timestamp"])]


def test_lesson_35_nanoseconds_are_kept_or_refused(feed):
    feed.load(row("a", at="2024-01-02 03:04:05.123456789"), row("b", at="2024-01-02 03:04:05.123456000"))
    assert (feed.ids(), feed.rejects()) == (["b"], [(1, ["timestamp_too_precise"])])
    feed.yaml = CONTRACT.replace("zone: UTC}", "zone: UTC, nanoseconds: at_ns}").replace("table: tick", "table: tock")
    feed.ingest()
    expected = [(datetime(2024, 1, 2, 3, 4, 5, 123_456, UTC), 1_704_164_645_123_456_000 + n) for n in (789, 0)]
    assert feed.query("SELECT at, at_ns FROM tock ORDER BY row_number") == expected


def test_lesson_37_counters_are_bigint(feed):
    feed.load(row("a"))
    statement = """
        SELECT table_name || '.' || column_name FROM information_schema.columns
        WHERE table_schema = 'ingest' AND data_type IN ('integer', 'smallint', 'real', 'double precision') ORDER BY 1
    """
    assert feed.column(statement) == [
        "after_load.attempts",
        "attempt.number",
        "audit.status",
        "contract.version",
        "file_part.part",
        "handover.attempts",
        "run.process_id",
        "run_request.process_id",
        "run_request.tries",
        "spark_write.partitions",
        "spark_write_partition.partition",
    ]


def test_lesson_38_to_resume_is_to_run_again(feed):
    for i in range(4):
        feed.write(f"{i}.csv", row(i))
    stop = threading.Event()

    def stop_after_first(event):
        if event.kind == EventKind.FILE_LOADED:
            stop.set()

    first = ingest(
        [str(feed.folder)],
        contract=feed.contract,
        database=feed.database,
        options=RunOptions(parallelism=1),
        on_event=stop_after_first,
        stop=stop,
    )
    assert (first.state, first.files_loaded) == (RunState.INTERRUPTED, 1)
    second = feed.ingest()
    assert (second.state, second.files_planned, second.files_loaded) == (RunState.SUCCEEDED, 3, 3)
    assert sorted(feed.ids()) == ["0", "1", "2", "3"]


def test_lesson_39_a_key_that_is_there_already_is_no_crash(feed):
    feed.change("event_time", "key: [id]\nevent_time")
    for name in ("a", "b"):
        feed.write(f"{name}.csv", row("same"), row("other", price=1 if name == "a" else 2), row(name))
    result = feed.ingest(parallelism=2)
    assert (result.files_loaded, result.files_failed) == (2, 0)
    assert (result.rows_read, result.rows_loaded, result.rows_duplicate, result.rows_rejected) == (6, 4, 1, 1)
    assert sorted(feed.ids()) == ["a", "b", "other", "same"]
    ((reasons,),) = feed.query("SELECT reasons FROM ingest.reject")
    assert (reasons[0]["code"], reasons[0]["column"]) == ("key_conflict", "id, at")


def test_lesson_40_the_error_says_file_row_and_column(feed):
    feed.change("{max_count: 1000, max_ratio: 1}", "{max_count: 0, max_ratio: 0}")
    uri = feed.write("a.csv", *[row(i) for i in range(1000)], row("bad", price="12,5".replace(",", ";")), row("last"))
    (failed,) = feed.ingest().failed
    assert f"first: {uri}:1001:price: invalid_decimal ('12;5')" in failed.error.message
    feed.write("b.csv", row("good", at=f"{date(2024, 5, 6)} 00:00:00"))
    assert feed.ingest().files_loaded == 1  # and it keeps going
