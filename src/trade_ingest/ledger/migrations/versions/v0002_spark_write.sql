CREATE TABLE ingest.spark_write (
    write_id text PRIMARY KEY,
    target text NOT NULL,
    partitions integer,
    started_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ingest.spark_write IS
    'DataFrames that were written into tables, by the id that makes a second write of the same one do nothing.';

CREATE TABLE ingest.spark_write_partition (
    write_id text NOT NULL REFERENCES ingest.spark_write,
    partition integer NOT NULL,
    rows_loaded bigint NOT NULL DEFAULT 0,
    rows_duplicate bigint NOT NULL DEFAULT 0,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (write_id, partition)
);
COMMENT ON TABLE ingest.spark_write_partition IS
    'Partitions of a DataFrame that are in their table: each row was committed together with the partition''s rows.';
