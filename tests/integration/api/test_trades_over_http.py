"""Trades over HTTP, compared with what plain csv and decimal say of the same files."""

import csv
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from trade_ingest.contract.loading import load_contract
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions

TARGET = "public.trade_print"
DAYS = ("2024-02-28", "2024-02-29", "2024-03-01")  # two partitions
SYMBOLS = {"BTCUSDT": 900, "ETHUSDT": 300, "SOLUSDT": 40}
MONTHS = {"event_from": "2024-02-01T00:00:00Z", "event_to": "2024-04-01T00:00:00Z"}


@pytest.fixture
def trades(service):
    """Files of three symbols and three days, loaded; the rows of all of them as csv reads them."""
    draw = random.Random(7)
    for day in DAYS:
        for symbol, count in SYMBOLS.items():
            write(service.folder / f"{symbol}-trades-{day}.csv", day, count, draw)
    ingest(
        [str(service.folder)],
        contract=load_contract("binance_spot_trades"),
        database=service.database,
        options=RunOptions(parallelism=1),
    )
    return [row for path in sorted(service.folder.iterdir()) for row in read(path)]


def write(path: Path, day: str, count: int, draw: random.Random) -> None:
    """A file in which many trades have the same time, and the times are not in order."""
    begin = int(datetime.fromisoformat(f"{day}T00:00:00Z").timestamp())
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        for number in range(count):
            price, quantity = Decimal(draw.randrange(1, 10**9)) / 10**4, Decimal(draw.randrange(1, 10**7)) / 10**8
            milliseconds = (begin + draw.randrange(0, 86_400, 240)) * 1000
            lines.writerow(
                [f"{day}-{number}", f"{price:f}", f"{quantity:f}", price * quantity, milliseconds, "True", 1]
            )


def read(path: Path) -> list[dict]:
    """A file's rows, in order."""
    with path.open(newline="") as file:
        return [
            {
                "uri": str(path),
                "row_number": number,
                "symbol": path.name.partition("-")[0],
                "trade_id": trade_id,
                "price": Decimal(price),
                "quantity": Decimal(quantity),
                "at": datetime.fromtimestamp(int(milliseconds) // 1000, UTC),
            }
            for number, (trade_id, price, quantity, _, milliseconds, *_) in enumerate(csv.reader(file), start=1)
        ]


def place(service) -> dict[str, int]:
    """The ids of the files."""
    return dict(service.query("SELECT uri, file_id FROM ingest.file"))


def in_order(rows: list[dict], files: dict[str, int]) -> list[dict]:
    """Rows by time, then as they came in."""
    return sorted(rows, key=lambda row: (row["at"], files[row["uri"]], row["row_number"]))


def moment(at: datetime) -> str:
    """As the API writes it."""
    return at.isoformat().replace("+00:00", "Z")


def plain(number: Decimal) -> str:
    """All digits, and no zeros at the end."""
    digits = f"{number:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def bars_of(rows: list[dict], files: dict[str, int], seconds: int) -> list[dict]:
    """The bars of rows."""
    intervals = defaultdict(list)
    for row in in_order(rows, files):
        intervals[int(row["at"].timestamp()) // seconds * seconds].append(row)
    return [
        {
            "at": moment(datetime.fromtimestamp(begin, UTC)),
            "open": plain(rows[0]["price"]),
            "high": plain(max(row["price"] for row in rows)),
            "low": plain(min(row["price"] for row in rows)),
            "close": plain(rows[-1]["price"]),
            "volume": plain(sum(row["quantity"] for row in rows)),
            "trades": len(rows),
        }
        for begin, rows in sorted(intervals.items())
    ]


def symbols_of(rows: list[dict], files: dict[str, int]) -> list[dict]:
    """A line for each symbol, the most traded first."""
    lines = []
    for symbol in sorted({row["symbol"] for row in rows}):
        of_symbol = in_order([row for row in rows if row["symbol"] == symbol], files)
        last = of_symbol[-1]
        lines.append(
            {
                "symbol": symbol,
                "trades": len(of_symbol),
                "volume": plain(sum(row["quantity"] for row in of_symbol)),
                "last_price": plain(last["price"]),
                "last_at": moment(last["at"]),
                "file_id": files[last["uri"]],
                "row_number": last["row_number"],
            }
        )
    return sorted(lines, key=lambda line: -line["trades"])


def test_symbols_bars_and_rows_are_those_of_the_files(service, trades):
    server, files = service.serve(), place(service)
    (target,) = server.get("/trades/targets")["items"]
    assert (target["target"], target["symbol"], target["price"], target["quantity"], target["event_time"]) == (
        (TARGET, ["symbol"], "price", "quantity", "executed_at")
    )
    assert target["last_event_at"] == moment(max(row["at"] for row in trades))

    whole = server.get("/trades/symbols", params={"target": TARGET, **MONTHS})
    assert whole == {**MONTHS, "items": symbols_of(trades, files)}
    last_day = [row for row in trades if moment(row["at"]) >= "2024-03-01"]
    assert server.get("/trades/symbols", params={"target": TARGET}) == {
        "event_from": "2024-03-01T00:00:00Z",
        "event_to": "2024-03-02T00:00:00Z",
        "items": symbols_of(last_day, files),
    }

    ether = [row for row in trades if row["symbol"] == "ETHUSDT"]
    for interval, seconds in (("1h", 3600), ("1d", 86_400)):
        asked = {"target": TARGET, "symbol": "ETHUSDT", "interval": interval, **MONTHS}
        expected = {**MONTHS, "interval": interval, "items": bars_of(ether, files, seconds)}
        assert server.get("/trades/bars", params=asked) == expected

    assert walk(server, {"target": TARGET, "symbol": "ETHUSDT", "limit": 97, **MONTHS}) == [
        (files[row["uri"]], row["row_number"], row["trade_id"], plain(row["price"]), moment(row["at"]))
        for row in reversed(in_order(ether, files))
    ]


def walk(server, asked: dict) -> list[tuple]:
    """All rows, page by page."""
    rows, cursor = [], None
    while True:
        page = server.get("/trades/rows", params=asked | ({"cursor": cursor} if cursor else {}))
        rows += [
            (
                row["file_id"],
                row["row_number"],
                row["values"]["trade_id"],
                row["values"]["price"],
                row["values"]["executed_at"],
            )
            for row in page["items"]
        ]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows
        assert len(page["items"]) == asked["limit"]


def test_row_leads_to_its_file_and_run_and_replaced_rows_stay_in_the_history(service, trades):
    path = service.folder / "ETHUSDT-trades-2024-02-29.csv"
    first, *rest = path.read_text().splitlines(keepends=True)
    trade_id, _, *others = first.split(",")
    path.write_text("".join([*rest, ",".join([trade_id, "12.5", *others])]))
    ingest(
        [str(path)],
        contract=load_contract("binance_spot_trades"),
        database=service.database,
        options=RunOptions(parallelism=1),
    )
    old, new = [
        file_id for (file_id,) in service.query("SELECT file_id FROM ingest.file WHERE uri = %s ORDER BY 1", str(path))
    ]
    server = service.serve()

    history = server.get("/trades/history", params={"target": TARGET, "file_id": new, "row_number": len(rest) + 1})
    assert history == server.get("/trades/history", params={"target": TARGET, "file_id": old, "row_number": 1})
    assert (history["identity"], history["is_complete"]) == (["trade_id", "symbol", "venue"], True)
    seen = [
        (
            version["row"]["file_id"],
            version["row"]["row_number"],
            version["row"]["run_id"],
            version["row"]["file_state"],
            version["is_current"],
            version["changed"],
        )
        for version in history["versions"]
    ]
    assert seen == [(old, 1, 1, "replaced", False, []), (new, len(rest) + 1, 2, "loaded", True, ["price"])]
    was = next(row for row in trades if row["uri"] == str(path) and row["row_number"] == 1)
    assert [version["row"]["values"]["price"] for version in history["versions"]] == [plain(was["price"]), "12.5"]
    assert server.get("/runs/2")["run"]["files_loaded"] == 1
    assert server.get(f"/files/{new}")["file"]["uri"] == str(path)


def test_spans_of_any_length_agree_with_the_files(service, trades):
    server, files = service.serve(), place(service)
    draw = random.Random(3)
    for _ in range(25):
        begin = datetime(2024, 2, 27, tzinfo=UTC) + timedelta(minutes=draw.randrange(0, 6000))
        end = begin + timedelta(minutes=draw.choice([1, 240, 1500, 9000]))
        inside = [row for row in trades if begin <= row["at"] < end]
        asked = {"target": TARGET, "event_from": moment(begin), "event_to": moment(end)}
        assert server.get("/trades/symbols", params=asked)["items"] == symbols_of(inside, files), asked
