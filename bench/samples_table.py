r"""Loads each sample file, and compares what is in the table with what plain Python reads in the file.

    python bench/samples_table.py                         the files of ../shared/samples, beside the repository
    python bench/samples_table.py FOLDER > docs/reference/samples.md

Each file is loaded into a database of its own, in a server that is made for this and removed. What there should be is
counted here with ``csv`` and ``decimal`` alone, by a judge for each layout, and by none of the program's code. A file
that is refused is one that no built-in contract takes a row of. Prints Markdown; ends with 1 if a file differs.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path

import psycopg
from psycopg import sql

from trade_ingest.check import check
from trade_ingest.contract.loading import builtin_names, load_contract
from trade_ingest.embedded.cluster import DATABASE, Cluster
from trade_ingest.ledger.connection import open_connection
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"
EXACT = Context(prec=1000)
DECIMALS = Decimal(1).scaleb(-12)
"""What the columns of the shared table have room for."""


class Verdict(Enum):
    """Of a record that is no row of the table."""

    IGNORED = "no trade"
    REJECTED = "a trade that cannot be read"


Row = Mapping[str, str]
Judge = Callable[[Row], Decimal | Verdict]
"""The quantity of a record, or why it has none."""

Price = Callable[[Row], Decimal]
"""The price of a record that is a trade; 0 where it has none."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is cut into records, whose fields have the names of the header, or else "1", "2" and so on."""

    delimiter: str = ","
    has_header: bool = True
    lines_before: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """What is in a file, or was loaded of it."""

    read: int
    loaded: int
    duplicate: int
    rejected: int
    ignored: int
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class Sample:
    """How one kind of file is loaded and judged.

    Attributes:
        pattern: which files, relative to the folder.
        contract: the contract's name.
        judge: what each record is, and its quantity.
        price: what the price of a trade is; by default the layout has none.
        form: how the file is cut into records.
        key: the names of what identifies a row; rows of one key are duplicates.
        delivered_as: the name that the vendor gives to such a file, where the sample has another.
    """

    pattern: str
    contract: str
    judge: Judge
    price: Price = lambda _: Decimal(0)
    form: Form = Form()
    key: tuple[str, ...] = ()
    delivered_as: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Files that are not loaded, and why."""

    pattern: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the printed table."""

    name: str
    contract: str
    loaded: Counted | None = None
    expected: Counted | None = None
    verdict: str = ""
    takers: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether the file was loaded as expected, or refused by all contracts."""
        return not self.takers and self.loaded == self.expected

    def as_markdown(self) -> str:
        """The line of the table."""
        if self.loaded is None or self.expected is None:
            cells = [self.name, "refused", "", "", "", "", "", self.verdict]
        else:
            found, counted = self.loaded, self.expected
            balance = f"{found.loaded:,} + {found.duplicate:,} + {found.rejected:,}"
            cells = [self.name, self.contract, f"{found.ignored:,}", f"{found.read:,}", balance]
            cells += [both(found.quantity, counted.quantity), both(found.price, counted.price), self.verdict]
        return "| " + " | ".join(cells) + " |"


HEADING = """\
# Sample files

Real files of vendors, each loaded under its built-in contract, and what plain Python (`csv` and `decimal`) counts in
them. Printed by `python bench/samples_table.py`, which loads each file into an empty database of its own.

*Passed over* are records that are no trades by the contract's `format.ignore_records`. Rows read are those loaded,
those whose key is there already (*duplicate*) and those *rejected*. The sums are those of the columns `quantity` and
`price` of all rows loaded, as PostgreSQL adds them and, after the equals sign, as plain Python adds the cells; some
layouts have no price, and quotes (the price is the bid) no quantity. *Equal*: all counts and both sums are those of
plain Python, to the last digit. *Refused*: no built-in contract takes a row of the file, for the reason told.

| file | contract | passed over | read | loaded + duplicate + rejected | sum of quantity | sum of price | |
| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"""


# Judges -------------------------------------------------------------------------------------------------------------


def number_of(name: str, *, factor: str = "1") -> Price:
    """The number in the field of that name, times a factor; nothing is 0."""
    return lambda row: EXACT.multiply(Decimal(row[name].replace(",", "").strip() or "0"), Decimal(factor))


def rounded(name: str) -> Price:
    """The number in the field of that name, without a currency's sign, as far as there is room for its decimals."""
    return lambda row: Decimal(row[name].strip("€$")).quantize(DECIMALS, ROUND_HALF_EVEN, EXACT)


def mtgox(row: Row) -> Decimal | Verdict:
    """Some amounts are no numbers."""
    is_number = re.fullmatch(r"[-+0-9.]+(e[-+]?[0-9]+)?", row["d.amount_int"])
    return rounded("d.amount_int")(row) if is_number else Verdict.REJECTED


def trades_where(name: str, values: Sequence[str], quantity: str) -> Judge:
    """Records with one of the values in a field are trades, others are not."""
    return lambda row: abs(Decimal(row[quantity])) if row[name] in values else Verdict.IGNORED


def with_comma(text: str) -> Decimal:
    """A number with a decimal comma and without thousands marks."""
    return Decimal(text.strip().replace(",", "."))


def no_quantity(_: Row) -> Decimal:
    """Quotes have none."""
    return Decimal(0)


def degiro_price(row: Row) -> Decimal:
    """`Koop 1 @ 33,9 USD` in the sixth field."""
    return with_comma(row["6"].partition("@")[2].split()[0])


def degiro(row: Row) -> Decimal | Verdict:
    """`Koop 1 @ 33,9 USD` in the sixth field."""
    words = row["6"].partition("@")[0].split() if "@" in row["6"] else []
    return with_comma(words[1]) if words[1:] and words[1][0].isdigit() else Verdict.IGNORED


def directa(row: Row) -> Decimal | Verdict:
    """What moves a quantity and is neither a purchase nor a sale cannot be read."""
    if row["Quantità"] in {"", "0"}:
        return Verdict.IGNORED
    return Decimal(row["Quantità"]) if row["Tipo operazione"] in {"Acquisto", "Vendita"} else Verdict.REJECTED


def rabobank(row: Row) -> Decimal | Verdict:
    """The kind begins with Koop or Verkoop."""
    is_trade = row["Type mutatie"].split(" ")[0] in {"Koop", "Verkoop"}
    return abs(with_comma(row["Volume"])) if is_trade else Verdict.IGNORED


def saxo(row: Row) -> Decimal | Verdict:
    """`Buy 3 @ 134.85 USD`."""
    return Decimal(row["Event"].split()[1]) if row["Type"] in {"Trade", "Transactie"} else Verdict.IGNORED


def trade_republic(row: Row) -> Decimal | Verdict:
    """Rows that another program wrote in English have other numbers and dates."""
    match row["Transactietype"]:
        case "Aankoop" | "Verkoop":
            return with_comma(row["Aantal"])
        case "Buy" | "Sell":
            return Verdict.REJECTED
    return Verdict.IGNORED


def trading212(row: Row) -> Decimal | Verdict:
    """The action ends in buy or sell."""
    is_trade = row["Action"].endswith((" buy", " sell"))
    return Decimal(row["No. of shares"]) if is_trade else Verdict.IGNORED


def bitstamp(row: Row) -> Decimal | Verdict:
    """`1.00000000 ETH` of a market trade."""
    return Decimal(row["Amount"].split()[0]) if row["Type"] == "Market" else Verdict.IGNORED


def strata_fx(row: Row) -> Decimal | Verdict:
    """Single exchanges and swaps, however their type is spelled."""
    is_trade = row["Strata Trade Type"].replace(" ", "").lower() in {"fx", "fxsingle", "fxswap"}
    return abs(Decimal(row["Notional"])) if is_trade else Verdict.IGNORED


def strata_legs(row: Row) -> Decimal | Verdict:
    """One leg is paid and the other received."""
    is_trade = {row["Leg 1 Direction"], row["Leg 2 Direction"]} == {"Pay", "Receive"}
    return Decimal(row["Leg 1 Notional"]) if is_trade else Verdict.REJECTED


def dtcc(row: Row) -> Decimal | Verdict:
    """The notional amount of the first leg, without commas and the mark of a cap; none is 0."""
    return Decimal(row["Notional amount-Leg 1"].replace(",", "").rstrip("+") or "0")


BY_POSITION = Form(has_header=False)
SEMICOLONS = Form(delimiter=";")
STRATA_KEY = ("Id Scheme", "Id", "Trade Date")

FILES: tuple[Sample | Refused, ...] = (
    Sample("brokers/coinbase-export.csv", "coinbase_transactions",
           trades_where("Transaction Type", ("Buy", "Sell", "Convert"), "Quantity Transacted"),
           rounded("Price at Transaction"), key=("ID", "Timestamp", "Asset", "Price Currency")),
    Sample("brokers/degiro-export.csv", "degiro_account", degiro, degiro_price,
           Form(has_header=False, lines_before=1)),
    Sample("brokers/directa-export.csv", "directa_movements", directa, form=Form(lines_before=9)),
    Sample("brokers/ibkr-trades-export.csv", "interactive_brokers_trades_export",
           trades_where("Buy/Sell", ("BUY", "SELL"), "Quantity"), number_of("TradePrice")),
    Sample("brokers/rabobank-export.csv", "rabobank_transactions", rabobank, lambda row: with_comma(row["Koers"]),
           SEMICOLONS),
    Sample("brokers/saxo-export.csv", "saxo_transactions", saxo, lambda row: Decimal(row["Event"].split()[3])),
    Sample("brokers/swissquote-export.csv", "swissquote_transactions",
           trades_where("Transaction", ("Buy", "Sell"), "Quantity"), number_of("Unit price"), SEMICOLONS),
    Sample("brokers/traderepublic-export.csv", "trade_republic_transactions", trade_republic, form=SEMICOLONS),
    Sample("brokers/trading212-export.csv", "trading212_history", trading212, number_of("Price / share"),
           key=("ID", "Time", "Ticker")),
    Sample("ccxt/*.csv", "ccxt_trades", number_of("amount"), number_of("price"), key=("id", "timestamp")),
    Refused("crypto_accounts/binance_history.csv",
            "changes of balances, several for each trade, none with its price; not one row per trade"),
    Sample("crypto_accounts/bitstamp.csv", "bitstamp_account_trades", bitstamp,
           lambda row: Decimal(row["Rate"].split()[0])),
    Sample("crypto_accounts/bittrex_order_history.csv", "bittrex_account_trades", number_of("Quantity (Base)"),
           number_of("Price"), Form(lines_before=4), key=("TXID", "Market", "Time (UTC)")),
    Sample("crypto_accounts/kucoin_order_history.csv", "kucoin_account_trades", number_of("size"), number_of("price")),
    Sample("databento/*.raw.csv", "databento_trades_raw", number_of("size"), number_of("price", factor="1e-9")),
    Sample("databento/*.csv", "databento_trades", number_of("size"), number_of("price")),
    Sample("dtcc_sdr/*.zip!*.csv", "dtcc_sdr_trades", dtcc, number_of("Price"),
           key=("Dissemination Identifier", "Unique Product Identifier", "Execution Timestamp")),
    Sample("histdata/quote_tick_data.csv", "histdata_ticks", no_quantity, number_of("2"), BY_POSITION,
           delivered_as="DAT_ASCII_EURUSD_T_202001.csv"),
    Sample("kraken/*.csv", "kraken_trades", number_of("3"), number_of("2"), BY_POSITION),
    Sample("lobster/*_message_*.csv", "lobster_executions", trades_where("2", ("4", "5", "6"), "4"),
           number_of("5", factor="0.0001"), BY_POSITION),
    Sample("mtgox/*.csv.gz", "mtgox_trades", mtgox, rounded("d.price_int")),
    Refused("sef_market_activity/*.csv", "a summary of the day for each product, with no single trade"),
    Sample("strata_otc/fxtrades.csv", "strata_fx_trades", strata_fx, number_of("FX Rate"), key=STRATA_KEY),
    Sample("strata_otc/fxtrades2.csv", "strata_fx_leg_trades", strata_legs, number_of("FX Rate"), key=STRATA_KEY),
    Sample("strata_otc/fxtrades_legs_same_direction.csv", "strata_fx_leg_trades", strata_legs, key=STRATA_KEY),
    Refused("strata_otc/fx-option-alt.csv", "options: most rows have no id and no trade date"),
    Refused("strata_otc/fx_single_barrier_option_trade.csv", "options without ids and trade dates"),
    Refused("strata_otc/mixed-trades-positions.csv", "trades and positions, told apart by the row alone"),
    Refused("strata_otc/swaption_trades.csv", "options without ids and trade dates"),
    Refused("strata_otc/trades*.csv",
            "trades of many kinds, each with fields of its own, some over several rows (Variable)"),
    Sample("tardis/*.csv", "tardis_trades", number_of("amount"), number_of("price"),
           key=("exchange", "symbol", "id", "timestamp")),
    Sample("tcapy_fx/*_trade_df.csv", "tcapy_trades", trades_where("event_type", ("trade",), "executed_notional"),
           rounded("executed_price"), key=("id",)),
    Sample("truefx/*-ticks.csv", "nautilus_fx_ticks", no_quantity, number_of("bid")),
)  # fmt: skip


# What plain Python counts -------------------------------------------------------------------------------------------


def text_of(path: Path, member: str) -> str:
    """The text of a file, or of a member of a zip."""
    if member:
        with zipfile.ZipFile(path) as archive:
            content = archive.read(member)
    else:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return content.decode("utf-8-sig")


def rows_of(text: str, form: Form) -> Iterator[Row]:
    """The records of a text, without those that are blank."""
    lines = io.StringIO(text, newline="")
    for _ in range(form.lines_before):
        next(lines)
    records = csv.reader(lines, delimiter=form.delimiter)
    names = next(records) if form.has_header else []
    for record in filter(None, records):
        yield dict(zip(names or map(str, range(1, len(record) + 1)), record, strict=True))


def count(text: str, sample: Sample) -> Counted:
    """What a judge says of all records."""
    seen: set[tuple[str, ...]] = set()
    loaded = duplicate = rejected = ignored = 0
    quantity = price = Decimal(0)
    for row in rows_of(text, sample.form):
        found = sample.judge(row)
        key = tuple(row[name] for name in sample.key)
        if found is Verdict.IGNORED:
            ignored += 1
        elif not isinstance(found, Decimal):
            rejected += 1
        elif key and key in seen:
            duplicate += 1
        else:
            seen.add(key)
            loaded += 1
            quantity, price = EXACT.add(quantity, found), EXACT.add(price, sample.price(row))
    return Counted(loaded + duplicate + rejected, loaded, duplicate, rejected, ignored, quantity, price)


# What the program loads ---------------------------------------------------------------------------------------------


def load(path: Path, sample: Sample, database: str) -> tuple[Counted, str]:
    """Load a file into an empty database; also says why rows are rejected."""
    contract = load_contract(sample.contract)
    result = ingest([str(path)], contract=contract, database=database, options=RunOptions(parallelism=1))
    for failed in result.failed:
        raise SystemExit(f"{path}: {failed.error and failed.error.message}")
    query = sql.SQL("SELECT count(*), coalesce(sum(quantity), 0), coalesce(sum(price), 0) FROM {}").format(
        sql.Identifier(contract.target.schema_name, contract.target.table)
    )
    with psycopg.connect(database) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    (checked,) = check([str(path)], contract=contract)
    reasons = [f"{reason.reason} ({reason.column or 'row'})" for reason in checked.reasons]
    counted = Counted(
        read=result.rows_read,
        loaded=row[0],
        duplicate=result.rows_duplicate,
        rejected=result.rows_rejected,
        ignored=checked.records_ignored,
        quantity=row[1],
        price=row[2],
    )
    return counted, ", ".join(reasons)


def takers_of(path: Path) -> list[str]:
    """The built-in contracts that would load rows of a file."""
    checks = ((name, check([str(path)], contract=load_contract(name))) for name in builtin_names())
    return [name for name, files in checks for file in files if file.error is None and file.rows_accepted]


def line_of(path: Path, name: str, member: str, server: str, scratch: Path) -> Line:
    """Load or refuse one file."""
    known = next((known for known in FILES if fnmatchcase(name, known.pattern)), None)
    if known is None:
        return Line(name, "", verdict="nobody has said what this is", takers=["?"])
    if isinstance(known, Refused):
        takers = takers_of(path)
        taken = f"; but taken by {', '.join(takers)}" if takers else ""
        return Line(name, "", verdict=known.reason + taken, takers=takers)
    if known.delivered_as:
        path = Path(shutil.copyfile(path, scratch / known.delivered_as))
    database = new_database(server, re.sub(r"\W", "_", name)[-63:])
    (loaded, reasons), expected = load(path, known, database), count(text_of(path, member), known)
    verdict = "equal" if loaded == expected else f"DIFFERS: expected {expected}"
    if reasons:
        verdict += f"; rejected for {reasons}"
    if known.delivered_as:
        verdict += f"; loaded as {known.delivered_as}, as the vendor names such a file"
    return Line(name, known.contract, loaded, expected, verdict)


def new_database(server: str, name: str) -> str:
    """An empty database of the server."""
    with open_connection(server, autocommit=True, name="samples_table") as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server.replace(f"/{DATABASE}?", f"/{name}?")


def both(found: Decimal, counted: Decimal) -> str:
    """The sum in the table and that of plain Python."""
    return f"{shown(found)} = {shown(counted)}" if found == counted else f"{shown(found)} ≠ {shown(counted)}"


def shown(total: Decimal) -> str:
    """A sum without trailing zeros."""
    text = f"{total:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def files_of(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """Each file, how it is named in the table, and which member of it."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.parent != folder):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                yield from ((path, f"{name}!{member}", member) for member in archive.namelist())
        else:
            yield path, name, ""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=SAMPLES)
    folder = parser.parse_args().folder.resolve()
    if not any(files_of(folder)):
        parser.error(f"{folder}: no sample files")
    lines = []
    with (
        tempfile.TemporaryDirectory(prefix="samples-table-server-") as server_folder,
        tempfile.TemporaryDirectory(prefix="samples-table-") as scratch,
    ):
        cluster = Cluster(Path(server_folder))
        server = cluster.start().url(DATABASE)
        try:
            for path, name, member in files_of(folder):
                print(name, file=sys.stderr)
                lines.append(line_of(path, name, member, server, Path(scratch)))
        finally:
            cluster.stop()
    print(HEADING)
    for line in lines:
        print(line.as_markdown())
    loaded = sum(line.loaded is not None for line in lines)
    print(f"\n{len(lines)} files: {loaded} loaded, {len(lines) - loaded} refused.")
    if bad := [line.name for line in lines if not line.is_good]:
        raise SystemExit(f"not as expected: {', '.join(bad)}")


if __name__ == "__main__":
    main()
