"""Real files of several venues: what is in the tables is what plain Python reads in the files."""

import csv
import gzip
from decimal import Context, Decimal, InvalidOperation, localcontext
from pathlib import Path

import psycopg
import pytest

from trade_ingest.contract.loading import load_contract
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT.parent / "shared" / "samples"
EXAMPLES = ROOT / "docs" / "examples" / "contracts"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample files are not here")


def cells_of(path, columns):
    """The cells of some columns, by name or position, of each record."""
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
        reader = csv.reader(file)
        if isinstance(columns[0], str):
            header = next(reader)
            columns = [header.index(name) for name in columns]
        return [[record[position] for position in columns] for record in reader if record]


def expected_of(path, columns):
    """Row numbers of the rows with cells that are no numbers, and the numbers of all others."""
    numbers, bad = [], []
    for row_number, cells in enumerate(cells_of(path, columns), 1):
        try:
            numbers.append([Decimal(cell) for cell in cells])
        except InvalidOperation:
            bad.append(row_number)
    return bad, numbers


def load(database_url, contract, *names):
    return ingest(
        [str(SAMPLES / name) for name in names],
        contract=load_contract(contract),
        database=database_url,
        options=RunOptions(parallelism=1),
    )


def query(database_url, statement):
    with psycopg.connect(database_url) as connection:
        return connection.execute(statement).fetchall()


@pytest.mark.parametrize(
    ("contract", "names", "columns", "table", "stored"),
    [
        (
            "kraken_trades",
            ["kraken/BCHEUR.csv", "kraken/BCHEUR_incremental_q2.csv"],
            [1, 2],
            "trade_print",
            ("price", "quantity"),
        ),
        (
            str(EXAMPLES / "mtgox_dump.yaml"),
            ["mtgox/april_trades.csv.gz"],
            ["d.price_int", "d.amount_int"],
            "mtgox_trade",
            ("price", "quantity"),
        ),
        (
            str(EXAMPLES / "tardis_download.yaml"),
            ["tardis/bitmex_trades_XBTUSD.csv", "tardis/trades_1.csv"],
            ["price", "amount"],
            "tardis_trade",
            ("price", "amount"),
        ),
    ],
    ids=["kraken", "mtgox", "tardis"],
)
def test_row_counts_and_turnover_are_those_of_the_files(database_url, contract, names, columns, table, stored):
    expected = {str(SAMPLES / name): expected_of(SAMPLES / name, columns) for name in names}

    result = load(database_url, contract, *names)

    assert (result.state, result.failed, result.rows_duplicate) == ("succeeded", [], 0)
    price, quantity = stored
    found = query(
        database_url,
        f"SELECT f.uri, f.rows_read, count(*), sum(t.{price} * t.{quantity}), sum(t.{quantity})"
        f" FROM {table} AS t JOIN ingest.file AS f USING (file_id) GROUP BY f.uri, f.rows_read",
    )
    with localcontext(Context(prec=200)):  # sums without rounding
        assert {uri: rest for uri, *rest in found} == {
            uri: [len(bad) + len(numbers), len(numbers), sum(p * q for p, q in numbers), sum(q for _, q in numbers)]
            for uri, (bad, numbers) in expected.items()
        }
    rejected = query(
        database_url, "SELECT f.uri, r.row_number FROM ingest.reject AS r JOIN ingest.file AS f USING (file_id)"
    )
    assert sorted(rejected) == sorted((uri, number) for uri, (bad, _) in expected.items() for number in bad)
    again = load(database_url, contract, *names)
    assert (again.files_planned, again.files_skipped) == (0, len(names))


def test_quotes_have_the_counts_and_sums_of_their_file(database_url):
    name = "truefx/usdjpy-ticks.csv"
    bad, quotes = expected_of(SAMPLES / name, ["bid", "ask"])

    result = load(database_url, str(EXAMPLES / "truefx_quotes.yaml"), name)

    assert (result.state, bad, result.rows_rejected) == ("succeeded", [], 0)
    assert query(database_url, "SELECT pair, count(*), sum(bid), sum(ask) FROM truefx_quote GROUP BY pair") == [
        ("usdjpy", len(quotes), sum(bid for bid, _ in quotes), sum(ask for _, ask in quotes))
    ]


def test_amounts_that_are_no_numbers_are_kept_as_they_were(database_url):
    name = "mtgox/april_trades.csv.gz"
    bad, _ = expected_of(SAMPLES / name, ["d.price_int", "d.amount_int"])
    cells = cells_of(SAMPLES / name, ["d.amount_int"])

    load(database_url, str(EXAMPLES / "mtgox_dump.yaml"), name)

    assert len(bad) == 58
    rejects = query(database_url, "SELECT row_number, reasons FROM ingest.reject ORDER BY row_number")
    assert [(number, [(r["column"], r["value"]) for r in reasons]) for number, reasons in rejects] == [
        (number, [("quantity", cells[number - 1][0])]) for number in bad
    ]
