-- Of market trades: {trades} is the view of trades as they stand, beside the target.

CREATE VIEW {report}.daily_summary AS
SELECT (executed_at AT TIME ZONE 'UTC')::date AS trade_date, venue, symbol, currency,
    count(*) AS trades,
    sum(quantity) AS quantity,
    sum(price * quantity) AS notional,
    sum(price * quantity) / nullif(sum(quantity) FILTER (WHERE price IS NOT NULL), 0) AS vwap,
    (array_agg(price ORDER BY executed_at, executed_at_ns, sequence_number, file_id, row_number)
        FILTER (WHERE price IS NOT NULL))[1] AS open,
    max(price) AS high,
    min(price) AS low,
    (array_agg(price ORDER BY executed_at DESC, executed_at_ns DESC, sequence_number DESC, file_id DESC, row_number DESC)
        FILTER (WHERE price IS NOT NULL))[1] AS close,
    sum(quantity) FILTER (WHERE side = 'buy') AS buy_quantity,
    sum(quantity) FILTER (WHERE side = 'sell') AS sell_quantity,
    min(executed_at) AS first_at,
    max(executed_at) AS last_at
FROM {trades}
GROUP BY 1, 2, 3, 4;

COMMENT ON VIEW {report}.daily_summary IS 'Market trades by UTC day, venue, symbol and currency; computed when it is read';

CREATE MATERIALIZED VIEW {report}.daily_summary_stored AS SELECT * FROM {report}.daily_summary;

CREATE UNIQUE INDEX ON {report}.daily_summary_stored (trade_date, venue, symbol, currency);

COMMENT ON MATERIALIZED VIEW {report}.daily_summary_stored IS 'The same as of the last refresh';

CREATE FUNCTION {report}.bars(
    width interval, from_time timestamptz, to_time timestamptz, venues text[] DEFAULT NULL, symbols text[] DEFAULT NULL
)
RETURNS TABLE (
    bar_start timestamptz, venue text, symbol text, open numeric, high numeric, low numeric, close numeric,
    volume numeric, notional numeric, vwap numeric, trades bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT date_bin(width, t.executed_at, from_time), t.venue, t.symbol,
        (array_agg(t.price ORDER BY t.executed_at, t.executed_at_ns, t.sequence_number, t.file_id, t.row_number))[1],
        max(t.price),
        min(t.price),
        (array_agg(t.price ORDER BY t.executed_at DESC, t.executed_at_ns DESC, t.sequence_number DESC, t.file_id DESC,
            t.row_number DESC))[1],
        sum(t.quantity),
        sum(t.price * t.quantity),
        sum(t.price * t.quantity) / nullif(sum(t.quantity), 0),
        count(*)
    FROM {trades} AS t
    WHERE t.executed_at >= from_time AND t.executed_at < to_time AND t.price IS NOT NULL
        AND (venues IS NULL OR t.venue = ANY (venues)) AND (symbols IS NULL OR t.symbol = ANY (symbols))
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3;
END;

COMMENT ON FUNCTION {report}.bars(interval, timestamptz, timestamptz, text[], text[]) IS
    'Open, high, low, close, volume and VWAP of market trades in bars of any width that has no months, from from_time on';
