"""Generated sets for any contract: complete, repeatable, accepted, broken exactly where it was asked for."""

import bz2
import csv
import gzip
import hashlib
import io
import lzma
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from generated_feeds import can_be_generated
from trade_ingest.contract.checks import invalid_values
from trade_ingest.contract.loading import builtin_names, load_contract, parse_contract
from trade_ingest.errors import GenerateError
from trade_ingest.generate import generate
from trade_ingest.parse.layout import layout_of
from trade_ingest.parse.rows import BlockParser
from trade_ingest.source.blocks import BlockReader, split_record

FOLDERS = (Path(__file__).with_name("contracts"), Path(__file__).parents[3] / "docs" / "examples" / "contracts")
GENERATED = [name for name in builtin_names() if can_be_generated(name)]
CONTRACTS = {path.stem: path for folder in FOLDERS for path in folder.glob("*.yaml")}


@pytest.fixture(params=sorted(CONTRACTS))
def yaml_contract(request):
    """Contracts that between them use all that a contract can say, and the documented examples."""
    return contract_of(request.param)


def contract_of(name):
    return load_contract(str(CONTRACTS[name]))


def read_bytes(path):
    openers = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    with openers.get(path.suffix, open)(path, "rb") as file:
        return file.read()


def read_records(path, contract):
    """A file's records as the csv module sees them, header and trailer included."""
    form = contract.format
    text = read_bytes(path).decode(form.encoding)
    lines = text.split("\n", form.preamble_lines)[-1]
    return list(
        csv.reader(
            io.StringIO(lines, newline=""),
            delimiter=form.delimiter,
            quotechar=form.quote,
            escapechar=form.escape,
            doublequote=form.escape is None,
            quoting=csv.QUOTE_MINIMAL if form.quote else csv.QUOTE_NONE,
        )
    )


def parsed(path, contract):
    """What the loader would see: accepted rows, rejects."""
    reader = BlockReader(str(path), contract.format, block_bytes=1 << 16)
    first = None if contract.format.header else reader.peek_record()
    layout = layout_of(
        contract,
        str(path),
        header=reader.header,
        first_record=None if first is None else split_record(first, contract.format),
    )
    parser = BlockParser(contract, layout, str(path))
    blocks = [parser.parse(block) for block in reader]
    return sum(block.rows.height for block in blocks), [reject for block in blocks for reject in block.rejects]


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.mark.parametrize("name", GENERATED)
def test_each_row_of_a_builtin_contract_is_accepted_but_the_bad_ones(tmp_path, name):
    check_verdicts(load_contract(name), tmp_path)


def test_each_row_of_any_contract_is_accepted_but_the_bad_ones(tmp_path, yaml_contract):
    check_verdicts(yaml_contract, tmp_path)


def check_verdicts(contract, folder):
    result = generate(contract, folder, rows=4_000, files=4, seed=5, bad_ratio=0.1)
    assert (result.rows, result.bad_rows) == (4_000, 400)
    for file in result.files:
        accepted, rejects = parsed(file.path, contract)
        assert (accepted, len(rejects)) == (file.rows - file.bad_rows, file.bad_rows)
        assert file.size_bytes == file.path.stat().st_size


@pytest.mark.parametrize("name", GENERATED)
def test_bad_rows_change_no_other_row(tmp_path, name):
    contract = load_contract(name)
    good = generate(contract, tmp_path / "good", rows=3_000, files=3)
    bad = generate(contract, tmp_path / "bad", rows=3_000, files=3, bad_ratio=0.05)
    changed = 0
    for one, other in zip(good.files, bad.files, strict=True):
        lines, others = read_bytes(one.path).split(b"\n"), read_bytes(other.path).split(b"\n")
        assert len(lines) == len(others)
        changed += sum(line != other_line for line, other_line in zip(lines, others, strict=True))
    assert changed == bad.bad_rows == 150


def test_bad_rows_are_broken_in_many_ways(tmp_path):
    contract = load_contract("trade_event")
    result = generate(contract, tmp_path, rows=4_000, files=2, bad_ratio=0.1)
    codes = Counter()
    for file in result.files:
        _, rejects = parsed(file.path, contract)
        codes.update((reason.code, reason.column) for reject in rejects for reason in reject.reasons)
    assert {code for code, _ in codes} >= {
        "field_count", "malformed_record", "nul_byte", "bad_encoding", "null_value", "invalid_decimal", "below_min",
        "precision_exceeded", "invalid_timestamp", "not_in_values", "failed_check",
    }  # fmt: skip
    assert len({column for _, column in codes}) > 10


@pytest.mark.parametrize("name", GENERATED)
def test_same_arguments_give_the_same_bytes(tmp_path, name):
    contract = load_contract(name)
    arguments = {"rows": 5_000, "files": 3, "seed": 9, "bad_ratio": 0.02, "duplicate_ratio": 0.05}
    generate(contract, tmp_path / "first", **arguments)
    generate(contract, tmp_path / "second", **arguments)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    generate(contract, tmp_path / "third", **(arguments | {"seed": 10}))
    assert len(contents(tmp_path / "first")) == len(contents(tmp_path / "third"))
    assert not set(contents(tmp_path / "first").values()) & set(contents(tmp_path / "third").values())


def test_files_of_any_contract_are_the_same_each_time(tmp_path, yaml_contract):
    generate(yaml_contract, tmp_path / "first", rows=500, files=2, seed=3, bad_ratio=0.05)
    generate(yaml_contract, tmp_path / "second", rows=500, files=2, seed=3, bad_ratio=0.05)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("trade_event", "d30e48ddbdaf838e"),
        ("binance_spot_trades", "274551d82ec468be"),
        ("kraken_trades", "b3166c283bdae017"),
    ],
)
def test_bytes_are_these_on_every_machine(tmp_path, name, digest):
    # a change here is a change of everybody's generated files: say so in the changelog
    generate(load_contract(name), tmp_path, rows=2_000, files=3, seed=1, bad_ratio=0.01, duplicate_ratio=0.01)
    hashed = hashlib.sha256()
    for file_name, content in contents(tmp_path).items():
        hashed.update(file_name.encode() + b"\0" + content)
    assert hashed.hexdigest()[:16] == digest


def test_chunks_leave_no_trace(tmp_path, monkeypatch):
    contract = load_contract("trade_event")
    arguments = {"rows": 1_000, "files": 2, "bad_ratio": 0.1, "duplicate_ratio": 0.1}
    generate(contract, tmp_path / "large", **arguments)
    monkeypatch.setattr("trade_ingest.generate.generator.CHUNK_ROWS", 7)
    generate(contract, tmp_path / "small", **arguments)
    assert contents(tmp_path / "large") == contents(tmp_path / "small")


def test_cells_satisfy_every_rule_of_the_contract(tmp_path):
    everything = contract_of("everything")
    result = generate(everything, tmp_path, rows=900, files=3, start_date=date(2024, 4, 25))
    assert [str(file.date) for file in result.files] == ["2024-04-25", "2024-04-26", "2024-04-29"]
    ids, nulls, quoted = set(), Counter(), 0
    for file in result.files:
        text = read_bytes(file.path).decode("latin-1")
        assert text.splitlines()[:2] == [f"Synthetic everything data of {file.date}, line {i}" for i in (1, 2)]
        header, *records, trailer = read_records(file.path, everything)
        assert header[0] == "Id"
        assert header[-1] == "extra"
        assert trailer == [f"END {file.rows:08d}"]
        assert len(records) == file.rows
        quoted += text.count("'")
        for record in records:
            row = dict(zip(header, record, strict=True))
            nulls.update(name for name, cell in row.items() if cell in {"", "NA", "n/a"})
            check_row(row, file.date)
            ids.add(row["Id"])
    assert len(ids) == 900
    assert set(nulls) == {"sequence", "isin", "notional", "extra"}
    assert quoted > 50


def check_row(row, day):
    def number(name):
        whole, _, fraction = row[name].partition(",")
        groups = whole.split(".")
        assert all(len(group) == 3 for group in groups[1:])
        return Decimal("".join(groups) + "." + fraction)

    assert len(row["Id"]) <= 9
    assert 1 <= int(row["leg"]) <= 4
    assert row["venue"][0] == "X"
    assert len(row["venue"]) == 4
    for check, name in (("iso4217", "currency"), ("lei", "buyer"), ("isin", "isin")):
        assert row[name] == "" or invalid_values(check, [row[name]]) == set()
    assert number("price") > 50
    assert Decimal("0.5") <= number("quantity") <= 999_999_999
    assert Decimal("0.00001") < number("tiny") < Decimal("0.00005")
    assert row["is_block"] in {"Y", "N"}
    assert row["side"] in {"B", "S"}
    assert UUID(row["report_id"]).version == 4
    assert row["trade_date"] == f"{day:%d.%m.%Y}"
    executed = instant(datetime.strptime(row["executed_at"].split(".")[0], "%d/%m/%Y %H:%M:%S"), "Africa/Cairo")  # noqa: DTZ007
    booked = instant(datetime.strptime(row["booked_at"][:14], "%Y%m%d%H%M%S"), "America/New_York")  # noqa: DTZ007
    assert executed.astimezone(ZoneInfo("Africa/Cairo")).date() == day
    assert 0 <= (booked - executed).total_seconds() <= 6
    assert abs(datetime.fromisoformat(row["sent_at"]) - executed).total_seconds() <= 6
    assert abs(int(row["feed_ns"]) / 1e9 - executed.timestamp()) <= 6


def instant(local, zone):
    """A local time as an instant; it exists, and once."""
    moments = [local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)]
    assert moments[0] == moments[1]
    return moments[0]


def test_names_carry_the_values_of_the_path(tmp_path):
    contract = contract_of("positions")
    result = generate(contract, tmp_path, rows=100, files=2)
    names = [file.path.relative_to(tmp_path).as_posix() for file in result.files]
    market = names[0].split("/")[0]
    assert market.isupper()
    assert names == [f"{market}/2024-01-02.tsv", f"{market}/2024-01-03.tsv"]
    assert result.files[0].path.read_bytes().startswith(b"\xff\xfe")
    with pytest.raises(GenerateError, match="carry the day"):
        generate(contract, tmp_path, rows=100, files=2, duplicate_ratio=0.1, overwrite=True)


def test_known_feeds_are_named_as_their_venues_name_them(tmp_path):
    for name, expected in {
        "trade_event": "trade_event_2024-01-05.csv.gz",
        "binance_spot_trades": "BTCUSDT-trades-2024-01-05.csv.gz",
        "kraken_trades": "XBTEUR_2024-01-05.csv.gz",
    }.items():
        result = generate(
            load_contract(name), tmp_path, rows=10, files=1, start_date=date(2024, 1, 5), compression="gzip"
        )
        assert result.files[0].path.name == expected


def test_folder_that_the_path_expression_finds_first_is_refused(tmp_path):
    with pytest.raises(GenerateError, match=r"finds .* in it, expected") as caught:
        generate(load_contract("binance_spot_trades"), tmp_path / "ETHUSDT-trades-2020-01", rows=10, files=1)
    assert caught.value.hint == "choose another output folder"


@pytest.mark.parametrize("compression", ["gzip", "bz2", "xz"])
def test_compressed_files_hold_the_same_bytes(tmp_path, compression):
    contract = load_contract("trade_event")
    plain = generate(contract, tmp_path / "plain", rows=200, files=2)
    packed = generate(contract, tmp_path / "packed", rows=200, files=2, compression=compression)
    for one, other in zip(plain.files, packed.files, strict=True):
        assert read_bytes(other.path) == one.path.read_bytes()
        assert other.size_bytes < one.size_bytes


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_other_compressions_are_read_by_the_loader(tmp_path, compression):
    contract = load_contract("trade_event")
    result = generate(contract, tmp_path, rows=200, files=1, compression=compression)
    assert parsed(result.files[0].path, contract) == (200, [])


def test_contract_that_wants_a_compression_gets_it(tmp_path):
    contract = parse_contract(
        "name: packed\nversion: 1\nformat: {compression: gzip}\ncolumns: [{name: at, type: timestamp, zone: UTC}]\n"
        "event_time: at\ntarget: {table: packed}\n",
        origin="packed",
    )
    assert generate(contract, tmp_path, rows=5, files=1).files[0].path.name == "packed_2024-01-02.csv.gz"
    with pytest.raises(GenerateError, match="wants gzip files, not xz"):
        generate(contract, tmp_path, rows=5, files=1, compression="xz")


def test_duplicates_are_exact_repeats_of_rows_in_earlier_files(tmp_path):
    contract = load_contract("binance_spot_trades")
    result = generate(contract, tmp_path, rows=10_000, files=6, bad_ratio=0.05, duplicate_ratio=0.1)
    assert result.duplicate_rows == 1_000
    seen, found = set(), []
    for file in result.files:
        lines = read_bytes(file.path).split(b"\n")[:-1]
        assert len(lines) == file.rows
        found.append(sum(line in seen for line in lines))
        seen.update(lines)
    assert found == [file.duplicate_rows for file in result.files]


def test_existing_files_are_kept_unless_told_otherwise(tmp_path):
    contract = load_contract("trade_event")
    generate(contract, tmp_path, rows=20, files=2)
    before = contents(tmp_path)
    with pytest.raises(GenerateError, match=r"trade_event_2024-01-02\.csv exists already, and 1 more"):
        generate(contract, tmp_path, rows=20, files=2, seed=2)
    assert contents(tmp_path) == before
    generate(contract, tmp_path, rows=20, files=2, seed=2, overwrite=True)
    assert contents(tmp_path).keys() == before.keys()
    assert contents(tmp_path) != before


def test_interrupted_set_leaves_whole_files_only(tmp_path):
    def stop(file):
        raise KeyboardInterrupt(file.path.name)

    with pytest.raises(KeyboardInterrupt):
        generate(load_contract("trade_event"), tmp_path, rows=100, files=5, on_file=stop)
    assert list(contents(tmp_path)) == ["trade_event_2024-01-02.csv"]


def test_each_file_is_reported_when_it_is_complete(tmp_path):
    reported = []
    result = generate(load_contract("kraken_trades"), tmp_path, rows=100, files=3, on_file=reported.append)
    assert tuple(reported) == result.files


IMPOSSIBLE = {
    "regex": ("{name: x, type: text, regex: '(?i)abc'}", "look-around, flags"),
    "bounds": ("{name: x, type: 'decimal(38,0)', min: '1e30'}", "no number of at most 18 digits"),
    "rule": ("{name: x, type: integer, min: 1, max: 5}", "cannot make rows .* x_is_large"),
    "enum": ("{name: x, type: enum, values: [a], regex: b}", "none of its values"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_contract_without_possible_rows_is_refused(tmp_path, case):
    column, message = IMPOSSIBLE[case]
    rules = "rules: [{name: x_is_large, expression: x > 5}]\n" if case == "rule" else ""
    contract = parse_contract(
        f"name: odd\nversion: 1\ncolumns: [{{name: at, type: timestamp, zone: UTC}}, {column}]\n"
        f"{rules}event_time: at\ntarget: {{table: odd}}\n",
        origin="odd",
    )
    with pytest.raises(GenerateError, match=message):
        generate(contract, tmp_path, rows=20, files=1)
    assert contents(tmp_path) == {}


def test_days_outside_the_bounds_of_the_event_time_are_refused(tmp_path):
    contract = parse_contract(
        "name: odd\nversion: 1\ncolumns: [{name: at, type: timestamp, zone: UTC, min: '2025-01-01'}]\n"
        "event_time: at\ntarget: {table: odd}\n",
        origin="odd",
    )
    with pytest.raises(GenerateError, match="column 'at': below_min"):
        generate(contract, tmp_path, rows=20, files=1)
    assert generate(contract, tmp_path, rows=20, files=1, start_date=date(2025, 1, 2)).rows == 20


def test_key_without_unique_columns_is_refused(tmp_path):
    contract = parse_contract(
        "name: odd\nversion: 1\n"
        "columns: [{name: at, type: timestamp, zone: UTC}, {name: side, type: enum, values: [a, b]}]\n"
        "key: [side]\nevent_time: at\ntarget: {table: odd, partition_by: none}\n",
        origin="odd",
    )
    with pytest.raises(GenerateError, match=r"the key \(side\) has no column that could be unique"):
        generate(contract, tmp_path, rows=20, files=1)


def test_time_that_cannot_tell_so_many_rows_apart_is_refused(tmp_path):
    contract = contract_of("time_key")
    with pytest.raises(GenerateError, match="90,000 rows a day, but their key is a time"):
        generate(contract, tmp_path, rows=90_000, files=1)
    result = generate(contract, tmp_path, rows=70_000, files=1)
    cells = [record[0] for record in read_records(result.files[0].path, contract)]
    assert len(set(cells)) == 70_001


def test_ids_cannot_be_unique_where_there_are_none(tmp_path):
    with pytest.raises(GenerateError, match="kraken_trades has no ids"):
        generate(load_contract("kraken_trades"), tmp_path, rows=20, files=1, unique_ids=True)


def test_contract_that_makes_values_of_several_cells_is_refused(tmp_path):
    with pytest.raises(GenerateError, match="wrds_taq_trades makes symbol of other cells"):
        generate(load_contract("wrds_taq_trades"), tmp_path, rows=10, files=1)
    with pytest.raises(GenerateError, match="binance_futures_trades ignores some records"):
        generate(load_contract("binance_futures_trades"), tmp_path, rows=10, files=1)


def test_files_are_generated_for_these_built_in_contracts():
    assert {"binance_spot_trades", "kraken_trades", "trade_event", "bitmex_trades", "tardis_trades"} <= set(GENERATED)
