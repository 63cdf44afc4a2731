ALTER TABLE ingest.file ADD COLUMN event_days date[], ADD COLUMN event_day_rows bigint[],
    ADD COLUMN event_day date GENERATED ALWAYS AS (CASE WHEN cardinality(event_days) = 1 THEN event_days[1] END) STORED;
COMMENT ON COLUMN ingest.file.event_days IS
    'UTC days of the event times of its accepted rows, duplicates included, in order; NULL if it was never loaded.';
COMMENT ON COLUMN ingest.file.event_day_rows IS 'How many of these rows each of event_days has.';
COMMENT ON COLUMN ingest.file.event_day IS
    'The day of a file of one day, which most are: they are counted from an index alone. NULL for others.';

UPDATE ingest.file
SET event_days = ARRAY[(event_time_min AT TIME ZONE 'UTC')::date], event_day_rows = ARRAY[rows_loaded + rows_duplicate]
WHERE (event_time_min AT TIME ZONE 'UTC')::date = (event_time_max AT TIME ZONE 'UTC')::date;

DO $$
DECLARE
    several record;
BEGIN
    -- files of several days: as their rows are in the target, which is read once
    FOR several IN
        SELECT DISTINCT f.target, c.definition->>'event_time' AS event_time
        FROM ingest.file AS f JOIN ingest.contract AS c USING (contract_id)
        WHERE f.state = 'loaded' AND f.event_time_min IS NOT NULL AND f.event_days IS NULL
            AND to_regclass(quote_ident(split_part(f.target, '.', 1)) || '.'
                || quote_ident(substr(f.target, strpos(f.target, '.') + 1))) IS NOT NULL
    LOOP
        EXECUTE format(
            'UPDATE ingest.file AS f SET event_days = summed.days, event_day_rows = summed.rows FROM ('
            ' SELECT file_id, array_agg(day ORDER BY day) AS days, array_agg(rows ORDER BY day) AS rows FROM ('
            '  SELECT file_id, (%3$I AT TIME ZONE ''UTC'')::date AS day, count(*) AS rows FROM %1$I.%2$I GROUP BY 1, 2'
            ' ) AS counted GROUP BY file_id'
            ') AS summed WHERE f.file_id = summed.file_id AND f.target = %4$L AND f.state = ''loaded'''
            ' AND f.event_days IS NULL',
            split_part(several.target, '.', 1), substr(several.target, strpos(several.target, '.') + 1),
            several.event_time, several.target
        );
    END LOOP;
END
$$;

CREATE INDEX file_event_day ON ingest.file (target, contract_id, event_day) INCLUDE (rows_loaded, rows_duplicate)
    WHERE state = 'loaded' AND event_day IS NOT NULL;
CREATE INDEX file_event_days ON ingest.file (target, event_time_max)
    WHERE state = 'loaded' AND cardinality(event_days) > 1;
