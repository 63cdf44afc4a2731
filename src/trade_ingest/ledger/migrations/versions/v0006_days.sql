ALTER TABLE ingest.file ADD COLUMN event_days date[], ADD COLUMN event_day_rows bigint[];
COMMENT ON COLUMN ingest.file.event_days IS
    'UTC days of the event times of its accepted rows, duplicates included, in order; NULL if it was never loaded.';
COMMENT ON COLUMN ingest.file.event_day_rows IS 'How many of these rows each of event_days has.';

UPDATE ingest.file
SET event_days = ARRAY[(event_time_min AT TIME ZONE 'UTC')::date], event_day_rows = ARRAY[rows_loaded + rows_duplicate]
WHERE (event_time_min AT TIME ZONE 'UTC')::date = (event_time_max AT TIME ZONE 'UTC')::date;

CREATE INDEX file_event_time ON ingest.file (target, event_time_max) WHERE state = 'loaded';
