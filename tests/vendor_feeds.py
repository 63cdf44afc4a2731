# ruff: noqa: E501  # records and headers of vendors, as they are
"""Small invented files in the layouts of real vendors, with what each holds."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ROWS = 60
START = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class VendorFeed:
    """A file as a vendor would deliver it.

    Attributes:
        name: of the layout.
        file: the file's name.
        content: its bytes.
        kind: what its rows are.
        target: the table of the proposed contract; None: one of its own.
    """

    name: str
    file: str
    content: bytes
    kind: str = "trades"
    target: str | None = "trade_print"


@dataclass(frozen=True)
class Tick:
    """One invented trade."""

    number: int
    at: datetime
    price: float
    size: float
    is_buy: bool

    @property
    def side(self) -> str:
        return "buy" if self.is_buy else "sell"

    def epoch(self, unit: int) -> int:
        return int((self.at - EPOCH) / timedelta(microseconds=1)) * unit // 1_000_000


def ticks(count: int = ROWS, price: float = 100.0) -> list[Tick]:
    draw = random.Random(7)
    at, found = START, []
    for number in range(count):
        at += timedelta(microseconds=draw.randrange(1000, 9_000_000))
        price = round(price + draw.choice([-0.02, -0.01, 0, 0.01, 0.02]), 2)
        found.append(Tick(number, at, price, draw.choice([0.5, 1, 2.25, 3, 10, 125, 0.0173]), draw.random() < 0.5))
    return found


def lines(row: Callable[[Tick], str], *, header: str = "", end: str = "\n", last: str = "") -> str:
    texts = [*([header] if header else []), *map(row, ticks()), *([last] if last else [])]
    return end.join(texts) + end


def uuid(tick: Tick) -> str:
    return f"{tick.number:08x}-1a2b-4c3d-8e4f-{tick.number * 7919:012x}"


def zipped(name: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return buffer.getvalue()


def _taq_time(t: Tick) -> str:
    return f"{t.at - timedelta(hours=5):%H%M%S%f}{t.number % 1000:03d}"


def _crypto() -> list[VendorFeed]:
    binance = lines(
        lambda t: (
            f"{t.number + 3_300_000_000},{t.price:.8f},{t.size:.8f},{t.price * t.size:.8f},{t.epoch(1000)},"
            f"{t.is_buy},True"
        )
    )
    agg = lines(
        lambda t: (
            f"{t.number + 9_000},{t.price},{t.size},{t.number * 2 + 50_000},{t.number * 2 + 50_001},"
            f"{t.epoch(1_000_000)},{t.is_buy},True"
        )
    )
    futures = lines(
        lambda t: f"{t.number + 77},{t.price},{t.size},{t.price * t.size:.6f},{t.epoch(1000)},{str(t.is_buy).lower()}",
        header="id,price,qty,quote_qty,time,is_buyer_maker",
    )
    bybit = lines(
        lambda t: (
            f"{t.epoch(10_000) / 10_000:.4f},BTCUSDT,{t.side.title()},{t.size},{t.price},ZeroMinusTick,{uuid(t)},"
            f"{t.price * t.size * 1e8:.4e},{t.size},{t.price * t.size}"
        ),
        header="timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional",
    )
    bybit_spot = lines(
        lambda t: f"{t.number + 1},{t.epoch(1000)},{t.price},{t.size},{t.side},0",
        header="id,timestamp,price,volume,side,rpi",
    )
    okx = lines(
        lambda t: f"BTC-USDT,{t.number + 5000},{t.side},{t.price},{t.size},{t.epoch(1000)}",
        header="instrument_name,trade_id,side,price,size,created_time",
    )
    okx_gbk = lines(
        lambda t: f"{t.number + 5000},{t.side},{t.size},{t.price},{t.epoch(1000)}",
        header="trade_id/撮合id,side/交易方向,size/数量,price/价格,created_time/成交时间",
    )
    kraken_account = lines(
        lambda t: (
            f'"T{t.number:05d}-ABCDE-FGHIJ","O{t.number:05d}-QWERT-YUIOP","XXBTZEUR","{t.at:%Y-%m-%d %H:%M:%S.%f}'[:-2]
            + f'","{t.side}","limit",{t.price:.5f},{t.price * t.size:.5f},0.16,{t.size:.8f},0.00000,"","L{t.number},M{t.number}"'
        ),
        header='"txid","ordertxid","pair","time","type","ordertype","price","cost","fee","vol","margin","misc","ledgers"',
    )
    coinbase = lines(
        lambda t: (
            f"default,{t.number + 88},BTC-EUR,{t.side.upper()},{t.at:%Y-%m-%dT%H:%M:%S.%f}"[:-3]
            + f"Z,{t.size},BTC,{t.price},0.01,{-t.price * t.size:.4f},EUR"
        ),
        header="portfolio,trade id,product,side,created at,size,size unit,price,fee,total,price/fee/total unit",
    )
    bitmex = lines(
        lambda t: (
            f"{t.at:%Y-%m-%dD%H:%M:%S.%f}000,XBTUSD,{t.side.title()},{int(t.size * 100)},{t.price},PlusTick,{uuid(t)},"
            f"{int(t.size * 1e6)},{t.size},{t.size * t.price}"
        ),
        header="timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional",
    )
    kaiko = lines(
        lambda t: f"{t.number},qn,btcaud,{t.epoch(1000)},{t.price},{t.size},{str(t.is_buy).lower()}",
        header="id,exchange,symbol,date,price,amount,sell",
    )
    tardis = lines(
        lambda t: (
            f"deribit,BTC-PERPETUAL,{t.epoch(10**6)},{t.epoch(10**6) + 150},{t.number},{t.side},{t.price},{t.size}"
        ),
        header="exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
    )
    return [
        VendorFeed("binance spot", "BTCUSDT-trades-2024-03-04.zip", zipped("BTCUSDT-trades-2024-03-04.csv", binance)),
        VendorFeed("binance aggregates", "ETHUSDT-aggTrades-2025-03-04.csv", agg.encode()),
        VendorFeed("binance futures", "BTCUSDT-trades-2024-03-05.csv", futures.encode()),
        VendorFeed("bybit derivatives", "BTCUSDT2024-03-04.csv.gz", gzip.compress(bybit.encode())),
        VendorFeed("bybit spot", "BTCUSDT_2024-03-04.csv", bybit_spot.encode()),
        VendorFeed("okx", "BTC-USDT-trades-2024-03-04.csv", okx.encode()),
        VendorFeed("okx in GBK", "BTC-USDT-trades-2021-03-04.csv", okx_gbk.encode("gbk")),
        VendorFeed("kraken", "XBTEUR.csv", lines(lambda t: f"{t.epoch(1)},{t.price:.5f},{t.size:.8f}").encode()),
        VendorFeed("kraken account", "trades.csv", kraken_account.encode()),
        VendorFeed("coinbase fills", "fills.csv", coinbase.encode()),
        VendorFeed("bitmex", "20240304.csv.gz", gzip.compress(bitmex.encode())),
        VendorFeed("kaiko", "Quoine_BTCAUD_trades_2016_10_12.csv", kaiko.encode()),
        VendorFeed("tardis", "BTC-PERPETUAL.csv", tardis.encode()),
    ]


def _markets() -> list[VendorFeed]:
    databento = lines(
        lambda t: (
            f"{t.at:%Y-%m-%dT%H:%M:%S.%f}389Z,{t.at:%Y-%m-%dT%H:%M:%S.%f}187Z,0,1,118,T,{'B' if t.is_buy else 'A'},0,"
            f"{t.price:.9f},{int(t.size) + 1},0,17664,{t.number + 9060643},ESU4"
        ),
        header="ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,symbol",
    )
    polygon = lines(
        lambda t: (
            f'AAPL,"12,37",0,4,{t.number + 52983525},{t.epoch(10**6)}000,{t.price},{t.number + 1},{t.epoch(10**6)}217,'
            f"{int(t.size) + 1}.000000,3,0,0"
        ),
        header="ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape,"
        "trf_id,trf_timestamp",
    )
    taq = lines(
        lambda t: (
            f"{_taq_time(t)}|N|BRK A|@ F |{int(t.size) + 1}|{t.price}||00|{t.number + 1}|{t.number + 5297}|C||"
            f"{_taq_time(t)}||0"
        ),
        header="Time|Exchange|Symbol|Sale Condition|Trade Volume|Trade Price|Trade Stop Stock Indicator|Trade Correction Indicator|"
        "Sequence Number|Trade Id|Source of Trade|Trade Reporting Facility|Participant Timestamp|"
        "Trade Reporting Facility TRF Timestamp|Trade Through Exempt Indicator",
        last=f"END|20240304|{ROWS}||||||||||||",
    )
    wrds = lines(
        lambda t: f"DELL,20130201,{t.at.hour - 10}:{t.at:%M:%S},{t.price},{int(t.size) + 1},0,0,T,P",
        header="SYMBOL,DATE,TIME,PRICE,SIZE,G127,CORR,COND,EX",
    )
    executions = lines(
        lambda t: (
            f"{34200 + t.number * 1.5:.9f},{4 + t.number % 2},{16113575 + t.number},{int(t.size) + 1},{int(t.price * 1e4)},"
            f"{1 if t.is_buy else -1}"
        )
    )
    messages = lines(
        lambda t: (
            f"{34200 + t.number * 1.5:.9f},{1 + t.number % 4},{16113575 + t.number},{int(t.size) + 1},{int(t.price * 1e4)},"
            f"{1 if t.is_buy else -1}"
        )
    )
    algoseek = lines(
        lambda t: f"20230609,{t.at:%H:%M:%S.%f}832,TRADE NB,BIPC,{t.price},{int(t.size) + 1},NYSE,20000040",
        header="Date,Timestamp,EventType,Ticker,Price,Quantity,Exchange,Conditions",
    )
    lean = lines(lambda t: f"{34200000 + t.number * 700},{int(t.price * 1e4)},{int(t.size * 100) + 1},P,80000001,0")
    kibot = lines(
        lambda t: (
            f"03/{4 + t.number // 30:02d}/2024,{t.at:%H:%M:%S},{t.price},{t.price - 0.01:.2f},{t.price + 0.01:.2f},"
            f"{int(t.size * 100) + 1}"
        )
    )
    taifex = lines(
        lambda t: (
            f"20240304,TX     ,202403     ,{t.at:%H%M%S},{t.price:8.0f},{2 * (int(t.size) + 1):4},-       ,-       , "
        ),
        header="成交日期,商品代號,到期月份(週別),成交時間,成交價格,成交數量(B+S),近月價格,遠月價格,開盤集合競價 ",
        end="\r\n",
    )
    b3 = lines(
        lambda t: (
            f"2024-03-04;PETRC38            ;{t.number * 10:010d};{t.price:020.6f};{int(t.size) + 1:018d};{t.at:%H:%M:%S.%f}"[
                :-3
            ]
            + f";1;2024-03-04;{t.number:015d};{t.number:015d};1;2024-03-04;{t.number:015d};{t.number:015d};2; ;00000003;00000008"
        ),
        header="RH NEG 20240304 20240304 000000062",
        last="RT NEG 20240304 20240304 000000062",
    )
    finam = lines(
        lambda t: f"SBER,0,20170721,{t.at:%H%M%S},{t.price:.9f},{int(t.size) + 1}",
        header="<TICKER>,<PER>,<DATE>,<TIME>,<LAST>,<VOL>",
    )
    cme = lines(
        lambda t: (
            f"20240304,{t.at:%H%M%S},{t.number + 1:08d},E,ES,F,2406,{int(t.size) + 1:05d},0000000,{int(t.price * 100):07d},,,,"
        )
    )
    return [
        VendorFeed("databento", "glbx-mdp3-20240304.trades.csv", databento.encode()),
        VendorFeed("polygon", "2024-03-04.csv.gz", gzip.compress(polygon.encode())),
        VendorFeed("nyse taq", "EQY_US_ALL_TRADE_20240304.gz", gzip.compress(taq.encode())),
        VendorFeed("taq of WRDS", "wrds_taq.csv", wrds.encode(), target=None),
        VendorFeed("lobster executions", "AAPL_2012-06-21_34200000_57600000_message_5.csv", executions.encode()),
        VendorFeed(
            "lobster messages",
            "MSFT_2012-06-21_34200000_57600000_message_5.csv",
            messages.encode(),
            "order events",
            None,
        ),
        VendorFeed("algoseek", "BIPC.csv.gz", gzip.compress(algoseek.encode())),
        VendorFeed("lean", "20240304_spy_Trade_Tick.csv", lean.encode()),
        VendorFeed("kibot", "IBM.txt", kibot.encode()),
        VendorFeed("taifex", "Daily_2024_03_04.csv", taifex.encode("cp950")),
        VendorFeed("b3", "NEG_OPCOES_20240304.txt", b3.encode("latin-1")),
        VendorFeed("finam", "SBER_170721_170721.csv", finam.encode()),
        VendorFeed("cme time and sales", "ES_20240304.csv", cme.encode()),
    ]


def _fx() -> list[VendorFeed]:
    def bid(t: Tick) -> str:
        return f"{t.price / 100:.5f}"

    def ask(t: Tick) -> str:
        return f"{t.price / 100 + 0.00012:.5f}"

    truefx = lines(lambda t: f"AUD/JPY,{t.at:%Y%m%d %H:%M:%S.%f}"[:-3] + f",{bid(t)},{ask(t)}")
    histdata = lines(lambda t: f"{t.at:%Y%m%d %H%M%S%f}"[:-3] + f",{bid(t)},{ask(t)},0")
    bars = lines(
        lambda t: (
            f"{START + timedelta(minutes=t.number):%Y%m%d %H%M%S};{t.price:.4f};{t.price + 0.05:.4f};{t.price - 0.04:.4f};"
            f"{t.price + 0.01:.4f};0"
        )
    )
    dukascopy = lines(
        lambda t: f"{t.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f",{ask(t)},{bid(t)},{t.size},{t.size * 2}",
        header="time,ask,bid,ask_volume,bid_volume",
    )
    jforex = lines(
        lambda t: f"{t.at:%d.%m.%Y %H:%M:%S.%f}"[:-3] + f",{ask(t)},{bid(t)},{t.size},{t.size * 2}",
        header="Gmt time,Ask,Bid,AskVolume,BidVolume",
    )
    lean = lines(lambda t: f"{t.number * 700},{bid(t)},{ask(t)}", end="\r\n")
    return [
        VendorFeed("truefx", "AUDJPY-2024-03.csv", truefx.encode(), "quotes", None),
        VendorFeed("histdata", "DAT_ASCII_EURUSD_T_202403.csv", histdata.encode(), "quotes", None),
        VendorFeed("histdata bars", "DAT_ASCII_EURUSD_M1_202403.csv", bars.encode(), "bars", None),
        VendorFeed("dukascopy", "EURUSD_2024_03_04.csv", dukascopy.encode(), "quotes", None),
        VendorFeed("jforex", "EURUSD_Ticks_04.03.2024.csv", jforex.encode(), "quotes", None),
        VendorFeed("lean forex", "20240304_quote.csv", lean.encode(), "quotes", None),
    ]


def _otc() -> list[VendorFeed]:
    dtcc = lines(
        lambda t: (
            f"{4202588328000000101 + t.number},,NEWT,TRAD,{t.at:%Y-%m-%dT%H:%M:%SZ},CR,{t.at:%Y-%m-%dT%H:%M:%SZ},"
            f'"{27_000_000 + t.number * 1000:,}{"+" if t.number % 9 == 0 else ""}",EUR,0.0{t.number + 10},QZ3HM9KVK2WL'
        ),
        header="Dissemination Identifier,Original Dissemination Identifier,Action type,Event type,Event timestamp,Asset Class,"
        "Execution Timestamp,Notional amount-Leg 1,Notional currency-Leg 1,Price,Unique Product Identifier",
    )
    trace = lines(
        lambda t: (
            f"{t.number:07d}|T|IBM.GB|459200AG6|INTL BUS MACH|20271001||N|N|{int(t.size) + 1}000|20240304|{t.at:%H%M%S}|"
            f"{t.price}|3.1"
        ),
        header="MSG_SEQ_NB|TRC_ST|BOND_SYM_ID|CUSIP_ID|CMPNY_NM|MTRTY_DT|SCRTY_TYPE_CD|WIS_FL|CMSN_TRD|ENTRD_VOL_QT|TRD_DT|"
        "TRD_TM|RPTD_PR|YLD_PT",
        last=f"2024-03-04-23.00.00{ROWS:010d}",
    )
    ibkr_header = '"ClientAccountID","CurrencyPrimary","AssetClass","Symbol","TradeID","DateTime","Quantity","TradePrice","Buy/Sell"'
    ibkr = lines(
        lambda t: (
            f'"U123","USD","STK","AAPL","{t.number + 30000}","{t.at:%Y%m%d;%H%M%S}","{int(t.size) + 1}","{t.price}",'
            f'"{t.side.upper()}"' + (f"\n{ibkr_header}" if t.number == 30 else "")
        ),
        header=ibkr_header,
    )
    zerodha = lines(
        lambda t: (
            f"INFY,INE009A01021,{t.at:%Y-%m-%d},NSE,EQ,EQ,{t.side},false,{int(t.size) + 1}.000000,{t.price},{t.number + 400},"
            f"1100000{t.number:05d},{t.at:%Y-%m-%dT%H:%M:%S}"
        ),
        header="symbol,isin,trade_date,exchange,segment,series,trade_type,auction,quantity,price,trade_id,order_id,"
        "order_execution_time",
    )
    metatrader = "Trade History Report\nName:;Jane\n\nDeals\n" + lines(
        lambda t: (
            f"{t.at:%Y.%m.%d %H:%M:%S};{t.number + 900};EURUSD;{t.side};in;{t.size:.2f};{4000 + t.price:.5f};"
            f"{t.number};-0.{t.number:02d};0.00;0.00;- 2.50;4 101.09;"
        ),
        header="Time;Deal;Symbol;Type;Direction;Volume;Price;Order;Commission;Fee;Swap;Profit;Balance;Comment",
    )
    german = lines(
        lambda t: (
            f"{t.at:%d.%m.%Y};{t.at:%H:%M:%S};DE000BAY0017;Bayer AG für Tests;{'Kauf' if t.is_buy else 'Verkauf'};"
            f"{int(t.size) + 1};1.{int(t.price):03d},{t.number % 100:02d}"
        ),
        header="Datum;Uhrzeit;ISIN;Bezeichnung;Typ;Anzahl;Kurs",
    )
    schwab = '"Transactions  for account XXXX-1234 as of 03/04/2024 10:00:00 ET"\n' + lines(
        lambda t: (
            f'"02/{13 + t.number % 9}/2024{" as of 02/12/2024" if t.number % 9 == 4 else ""}","{t.side.title()}","KO",'
            f'"COCA COLA","{1000 + t.number:,}","${t.price}","","-${t.price * 10:,.2f}"'
        ),
        header='"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"',
        last='"Transactions Total","","","","","","","-$59,699.77"',
    )
    bitfinex = lines(
        lambda t: f"{t.number + 401597393},{t.epoch(1000)},{t.size if t.is_buy else -t.size},{t.price}",
        header="#ID,MTS,AMOUNT,PRICE",
    )
    return [
        VendorFeed("schwab", "Transactions_20240304.csv", schwab.encode()),
        VendorFeed("bitfinex", "tBTCUSD.csv", bitfinex.encode()),
        VendorFeed(
            "dtcc",
            "CFTC_CUMULATIVE_CREDITS_2024_03_04.zip",
            zipped("CFTC_CUMULATIVE_CREDITS_2024_03_04.csv", dtcc),
        ),
        VendorFeed("trace", "enhanced-time-and-sales-cusip-2024-03-04.txt", trace.encode()),
        VendorFeed("interactive brokers", "flex.csv", ibkr.encode()),
        VendorFeed("zerodha", "tradebook-AB1234.csv", zerodha.encode()),
        VendorFeed("metatrader", "ReportHistory.csv", metatrader.encode("utf-8-sig")),
        VendorFeed("german broker", "umsaetze.csv", german.encode("latin-1")),
        VendorFeed("german broker in UTF-16", "umsaetze16.csv", german.encode("utf-16")),
    ]


FEEDS = [*_crypto(), *_markets(), *_fx(), *_otc()]
"""One of each layout."""
