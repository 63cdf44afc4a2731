# ruff: noqa: E501  # lists of words
"""The words by which feeds call what a trade has, in the languages that exports are written in."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache


class Role(StrEnum):
    """What a column is for a trade."""

    TIME = "executed_at"
    DATE = "date"
    CLOCK = "time of day"
    PRICE = "price"
    QUANTITY = "quantity"
    QUOTE_QUANTITY = "quote_quantity"
    SIDE = "side"
    SYMBOL = "symbol"
    TRADE_ID = "trade_id"
    VENUE = "venue"
    CURRENCY = "currency"
    SEQUENCE = "sequence_number"
    BID = "bid"
    ASK = "ask"
    OPEN = "open"
    HIGH = "high"
    LOW = "low"
    CLOSE = "close"


_NAMES: dict[Role, tuple[tuple[str, ...], ...]] = {
    Role.TIME: (
        (
            "executed_at", "execution_time(stamp)?", "exec(uted)?_(time|date|at)", "execution_date_?time", "trade_time(stamp)?",
            "traded_at", "trade_date_?time", "order_execution_time", "transact(ion)?_time(stamp)?", "ts_event", "trd_time",
            "deal_time", "filled_(at|time)", "fill_(time|date)", "trade_created_at", "match_time", "time_executed",
            "participant_timestamp", "mts", "tradetime", "transaction_date_?time", "date_time_executed",
        ),
        (
            "timestamp", "date_?time", "date_time.*", "time", "utc_time", "(gmt|utc|local)_(time|date)", "created_(time|at|on)",
            "time_utc", "t", "ts", "when", "event_time(stamp)?", "sip_timestamp", "timestamp_.*", "time_?stamp.*", "date", "unix_?time",
            "datum.*", "zeitpunkt", "fecha_?hora", "data_hora", "tiempo", "marca_de_tiempo", "date_heure", "created_?date",
            "transaction_(date|time)", "timestamp_utc", "trade_?date", "executed", "time_ms", "time_us", "time_ns", "epoch.*",
            "exchange_timestamp", "txn_date", "buchungszeit", "handelszeit", "ausfuhrungszeit", "operation_time",
        ),
        ("ts_recv", "local_timestamp", ".*timestamp.*", ".*_time", ".*_at", "updated_.*", "last_update.*", ".*date_?time.*"),
    ),
    Role.DATE: (
        (
            "trade_?date", "date", "transaction_date", "deal_date", "execution_date", "trd_date", "dt", "day", "t_date",
            "datum", "handelstag", "handelsdatum", "fecha", "fecha_operacion", "data", "data_operazione", "data_negocio",
            "date_operation", "date_de_transaction", "session_date", "report_date", "business_date", "trading_day", "per_date",
            "trade_transaction_date", "date_local", "ausfuhrungsdatum", "data_pregao", "schlusstag", "trans_date", "as_of_date",
        ),
        (".*trade.*date.*", "transaction.*date", "event_date", "booking_date", "entry_date", "buchungs(tag|datum)"),
        (".*date.*", ".*datum.*", ".*fecha.*", "data_.*", ".*day.*"),
    ),
    Role.CLOCK: (
        (
            "time", "trade_?time", "time_m", "tijd", "zeit", "uhrzeit", "hora", "ora", "heure", "t_time", "timestamp",
            "execution_time", "exec_time", "trd_time", "time_of_day", "tradetime", "local_time", "transaction_time", "trd_tm",
        ),
        (".*time.*", ".*hora.*", ".*tijd.*", ".*zeit.*"),
    ),
    Role.PRICE: (
        (
            "price", "trade_?price", "px", "exec(uted|ution)?_price", "last_px", "deal_price", "fill_price", "unit_price",
            "t_price", "trd_price", "price_per_(unit|share|coin)", "price_share", "price_at_transaction", "price_int",
            "d_price_int", "koers", "kurs", "ausfuhrungskurs", "preis", "precio", "preco", "prezzo", "prix", "cours",
            "avg_price", "average_price", "price_usd", "price_eur", "prc", "trade_px", "match_price", "rptd_pr",
            "filled_price", "aankoopkurs", "price_quote", "spot_price",
        ),
        (
            "rate", "last", "last_price", "fx_rate", "exchange_rate", "tp", "p", "pr", "stuckpreis", "price_.*", "quote",
            "fixed_rate", "from_pip", "deal_rate", "all_in_rate", "yield", "prezzo_.*", "prijs", "close_price", "trade_rate",
        ),
        (".*_price", ".*price.*", ".*_rate", ".*_px"),
    ),
    Role.QUANTITY: (
        (
            "quantity", "qty", "size", "trade_?(size|volume|qty|quantity)", "amount", "volume", "vol", "exec(uted)?_(qty|quantity|size|notional|amount)",
            "last_(qty|shares)", "shares", "units", "lots", "contracts", "no_of_shares", "number_of_shares", "nominal",
            "quantity_transacted", "base_(qty|quantity|amount|volume)", "amount_int", "d_amount_int", "filled(_qty|_quantity|_amount)?",
            "aantal", "anzahl", "menge", "stuck", "cantidad", "quantidade", "quantita", "quantite", "nombre", "stucke", "traded_quantity",
            "quantity_base", "qty_filled", "size_filled", "fill_(qty|quantity|size)", "trd_(qty|vol|size)", "entrd_vol_qt", "volume_.*base.*", "deal_(size|amount|volume)",
            "decimal_size", "match_(qty|size)", "titres", "titoli", "numero", "trade_amount", "home_notional",
        ),
        (
            "notional", "notional_amount.*", "from_cost", "q", "s", "v", "face_(value|amount)", "quantity_.*", "amount_.*",
            "leg_1_notional", "notional_.*", "par(_value|_amount)?", "change", "principal", "nominal_.*", "size_.*", "volume_.*",
        ),
        (".*_(qty|quantity|size|volume|shares|notional)", ".*_amount"),
    ),
    Role.QUOTE_QUANTITY: (
        (
            "quote_(qty|quantity|volume|amount|size)", "cost", "funds", "gross_value", "turnover", "trade_money", "proceeds",
            "notional_value", "total_quote", "trade_value", "quote_asset_.*", "amount_quote", "foreign_notional", "consideration",
            "gegenwert", "waarde", "importe", "valor", "controvalore", "gross_amount", "subtotal", "kurswert",
        ),
        ("value", "total", "total_.*", "net_amount", "bedrag", "betrag"),
    ),
    Role.SIDE: (
        (
            "side", "taker_side", "aggressor(_side|_ind(icator)?)?", "buy_sell(_ind(icator)?)?", "b_s", "bs", "direction",
            "trade_side", "is_buyer_maker", "buyer_is_maker", "trade_type", "transaction_type", "order_side", "buysell", "is_buy",
            "sell", "buy_or_sell", "liquidity_taker", "way", "sens", "m", "type_str", "d_type_str", "initiator", "b_s_code", "kauf_verkauf",
            "compra_venta", "c_v", "natureza", "aggressor_flag", "taker_order_type", "maker_side",
        ),
        ("type", "typ", "art", "action", "transaction", "transactietype", "operation", "tipo.*", "type_.*", "sub_type", "order_type", "side_.*", "long_short"),
    ),
    Role.SYMBOL: (
        (
            "symbol", "ticker", "sym", "instrument(_?name|_?id_?code|_symbol)?", "pair", "market", "trading_pair", "product(_id|_code|_name)?",
            "currency_pair", "ccy_pair", "security", "sym_root", "symbol_name", "contract(_code|_symbol|_name|_id)?", "inst_id",
            "instrument_symbol", "trading_symbol", "tradingsymbol", "ric", "isin(_code)?", "security_code", "stock(_code)?", "stk_code", "trace_symbol",
            "bond_sym_id", "cusip(_id)?", "asset", "coin", "wertpapier", "valor", "codigo", "papel", "prodotto", "titolo", "product_symbol",
            "unique_product_identifier", "underlying", "instrument_code", "ticker_symbol", "market_name", "effekt", "sec_?(code|id)", "code", "scrip(_code|_name)?", "simbolo", "figi", "sedol",
        ),
        ("naam", "name", "instrument_.*", "security_.*", "description", "descrizione", "bezeichnung", "asset_.*", "convention", "product_.*", "product", "from_currency", "upi.*", "leg_1_currency", "instrument_id", "base", "strata_trade_type", "d_item"),
    ),
    Role.TRADE_ID: (
        (
            "trade_?(id|no|number|ref(erence)?|num)", "tid", "exec(ution)?_id", "trd_?match_?id", "match_id", "deal(_id|_no|_number)?",
            "txid", "fill_id", "transaction_(id|no|number|reference|hash)", "agg(regate)?_trade_?id", "id", "trade", "a", "ib_exec_id", "uuid",
            "dissemination_identifier", "dissemination_id", "unique_trade_id", "trade_identifier", "msg_seq_nb", "contract_note_no", "ticket",
            "reference", "ref", "reference_number", "geschaftsnummer", "vorgangsnr", "transaction_ref", "uti", "trade_uid", "execution_number",
        ),
        (".*_trade_id", "from_trade_id", ".*transaction_id"),
    ),
    Role.VENUE: (("exchange", "venue", "mic", "exch(ange)?_?(code|name|id|mic)?", "ex", "market_center", "platform_identifier", "borsa", "beurs", "boerse", "handelsplatz", "execution_venue", "trading_venue", "last_mkt", "sef_dcm_name"), ("platform", "source", "exchange_.*", "broker")),
    Role.CURRENCY: (("currency", "ccy", "price_currency", "quote_currency", "currency_primary", "trade_currency", "waehrung", "wahrung", "divisa", "valuta", "devise", "moneda", "moeda", "d_currency", "currency_price_share", "price_ccy", "instrument_currency", "quote", "valuta_koers", "quote_asset"), ("curr_.*", "currency_.*", ".*_currency", ".*_ccy")),
    Role.SEQUENCE: (("sequence(_number|_no|_num)?", "seq(_no|_num|_nb)?", "seqnum"), ()),
    Role.BID: (("bid", "bid_price", "bid_px(_00)?", "best_bid(_price)?", "b", "bids_0_price", "geld"), (".*bid.*price.*",)),
    Role.ASK: (("ask", "offer", "ask_price", "offer_price", "ask_px(_00)?", "best_ask(_price)?", "best_offer", "asks_0_price", "brief"), (".*ask.*price.*", ".*offer.*price.*")),
    Role.OPEN: (("open", "open_?price", "first_price", "o", "opening_price", "first", "open_.*", "eroffnung", "apertura", "ouverture"), ()),
    Role.HIGH: (("high", "high_?price", "h", "highest", "max_price", "high_.*", "hoch", "maximo", "plus_haut"), ()),
    Role.LOW: (("low", "low_?price", "l", "lowest", "min_price", "low_.*", "tief", "minimo", "plus_bas"), ()),
    Role.CLOSE: (("close", "close_?price", "last_price", "c", "settle(ment)?(_price)?", "closing_price", "close_.*", "adj_close", "schluss.*", "cierre", "cloture"), ()),
}  # fmt: skip
_WEIGHTS = (10, 6, 2)
_HAN = (
    (Role.TIME, r"成交时间|成交時間|交易时间|时间|timestamp|created_time"),
    (Role.DATE, r"成交日期|交易日期|日期|日付|約定日"),
    (Role.CLOCK, r"成交時間|成交时间|时间|時間|時刻"),
    (Role.PRICE, r"成交价格|成交價格|价格|價格|単価|成交价|成交價"),
    (Role.QUANTITY, r"成交数量|成交數量|数量|數量|成交量"),
    (Role.SIDE, r"方向|买卖|買賣|売買"),
    (Role.SYMBOL, r"商品代號|契約|合约|合約|代码|代碼|证券|品种|銘柄"),
    (Role.TRADE_ID, r"成交编号|成交號|撮合id|成交id|编号"),
    (Role.CURRENCY, r"币种|幣別|通貨"),
)
_NEVER = {
    Role.TIME: r".*(settle|value_date|valuta|expir|effective|matur|birth|valid|due).*|.*next.*",
    Role.DATE: r".*(settle|value_date|valutadatum|data_valuta|expir|effective|matur|payment|start|end_|due).*",
    Role.PRICE: r".*(limit|stop|strike|open|high|low|bid|ask|mid|currency|ccy|notation|unit_of|type|near|far|settle|indicator|total|price_fee|prior|prev|first).*",
    Role.QUANTITY: r".*(quote|currency|ccy|fee|tax|commission|order_(qty|quantity|notional)|remaining|unit|cum|total|frequency|multiplier|net_amount|open_interest|bid|ask).*",
    Role.SYMBOL: r".*(fee|commission|order|account|time|date|price).*",
    Role.CURRENCY: r".*(fee|commission|tax|settle|conversion|result|total|cost).*",
    Role.TRADE_ID: r".*(portfolio|account|client|user|customer|original|ancestor|parent|buyer|seller|product|instrument).*",
    Role.SIDE: r".*(order_type|ordertype|product|asset|option|instrument|event).*",
}


def name_score(role: Role, snake: str, original: str) -> int:
    """How well a header's name says that its column has a role, from 0 to 10.

    Args:
        role: the role.
        snake: the name as an SQL identifier.
        original: the name as it is, for scripts that an identifier has no letters for.
    """
    if said := [of for of, words in _HAN if re.search(words, original)]:
        return _WEIGHTS[0] if role in said else 0
    never = _NEVER.get(role)
    if never is not None and re.fullmatch(never, snake) and not _is_word(role, snake):
        return 0
    for weight, patterns in zip(_WEIGHTS, _compiled(role), strict=False):
        if any(pattern.fullmatch(snake) for pattern in patterns):
            return weight
    return 0


def _is_word(role: Role, snake: str) -> bool:
    return any(pattern.fullmatch(snake) for pattern in _compiled(role)[0])


@cache
def _compiled(role: Role) -> tuple[tuple[re.Pattern[str], ...], ...]:
    return tuple(tuple(re.compile(name) for name in names) for names in _NAMES[role])
