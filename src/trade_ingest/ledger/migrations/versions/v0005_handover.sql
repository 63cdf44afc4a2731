CREATE TABLE ingest.lake (
    lake_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('parquet', 'iceberg')),
    place text NOT NULL,
    token text NOT NULL DEFAULT replace(left(gen_random_uuid()::text, 13), '-', ''),
    first_run_id bigint NOT NULL REFERENCES ingest.run,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (target, kind, place)
);
COMMENT ON TABLE ingest.lake IS
    'Where the accepted rows of a target go as well (--also). The names of its objects begin with the token, so that '
    'several databases may write to one place.';

CREATE TABLE ingest.handover (
    file_id bigint NOT NULL REFERENCES ingest.file ON DELETE CASCADE,
    lake_id bigint NOT NULL REFERENCES ingest.lake,
    run_id bigint NOT NULL REFERENCES ingest.run,
    rows bigint,
    loaded_at timestamptz,
    objects text[] NOT NULL DEFAULT '{}',
    attempts integer NOT NULL DEFAULT 0,
    error jsonb,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    PRIMARY KEY (file_id, lake_id)
);
COMMENT ON TABLE ingest.handover IS
    'What a lake holds of a file: asked for in the file''s own transaction, done after its COMMIT. It is open while rows '
    'and loaded_at differ from those of the file (0 and NULL if that is not loaded); rows is NULL while it is at work. '
    'objects are all that may be there.';
CREATE INDEX handover_lake ON ingest.handover (lake_id);

CREATE TABLE ingest.iceberg_tables (
    catalog_name varchar(255) NOT NULL,
    table_namespace varchar(255) NOT NULL,
    table_name varchar(255) NOT NULL,
    metadata_location varchar(1000),
    previous_metadata_location varchar(1000),
    iceberg_type varchar(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
);
COMMENT ON TABLE ingest.iceberg_tables IS
    'The catalog of the Iceberg tables of lakes, in the form that Iceberg''s JDBC catalogs read.';

CREATE TABLE ingest.iceberg_namespace_properties (
    catalog_name varchar(255) NOT NULL,
    namespace varchar(255) NOT NULL,
    property_key varchar(255) NOT NULL,
    property_value varchar(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
);
COMMENT ON TABLE ingest.iceberg_namespace_properties IS
    'The namespaces of that catalog: the schemas of the targets.';
