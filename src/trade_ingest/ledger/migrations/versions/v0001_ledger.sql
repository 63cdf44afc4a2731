CREATE TABLE ingest.contract (
    contract_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    version integer NOT NULL,
    fingerprint text NOT NULL,
    definition jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (name, version, fingerprint)
);
COMMENT ON TABLE ingest.contract IS 'Each contract that was used, as it was.';

CREATE TABLE ingest.run (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('ingest', 'replay', 'rollback', 'baseline')),
    state text NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'interrupted', 'abandoned')),
    sources text[] NOT NULL,
    contract_id bigint REFERENCES ingest.contract,
    target text NOT NULL,
    engine text NOT NULL,
    options jsonb NOT NULL DEFAULT '{}',
    host text NOT NULL,
    process_id integer NOT NULL,
    started_by text NOT NULL,
    program_version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    files_planned bigint NOT NULL DEFAULT 0,
    files_loaded bigint NOT NULL DEFAULT 0,
    files_failed bigint NOT NULL DEFAULT 0,
    files_skipped bigint NOT NULL DEFAULT 0,
    rows_read bigint NOT NULL DEFAULT 0,
    rows_loaded bigint NOT NULL DEFAULT 0,
    rows_duplicate bigint NOT NULL DEFAULT 0,
    rows_rejected bigint NOT NULL DEFAULT 0,
    bytes_read bigint NOT NULL DEFAULT 0,
    error jsonb
);
COMMENT ON TABLE ingest.run IS 'Executions; a running one holds an advisory lock as long as its process lives.';
CREATE INDEX run_running ON ingest.run (run_id) WHERE state = 'running';

CREATE TABLE ingest.file (
    file_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target text NOT NULL,
    uri text NOT NULL,
    version text NOT NULL,
    size_bytes bigint NOT NULL,
    modified_at timestamptz NOT NULL,
    contract_id bigint NOT NULL REFERENCES ingest.contract,
    state text NOT NULL CHECK (
        state IN ('pending', 'loaded', 'failed', 'skipped', 'replaced', 'rolled_back', 'baseline')
    ),
    reason text,
    run_id bigint REFERENCES ingest.run,
    replaces_file_id bigint REFERENCES ingest.file,
    same_as_file_id bigint REFERENCES ingest.file,
    content_hash bytea,
    content_bytes bigint,
    header text[],
    header_record bytea,
    rows_read bigint NOT NULL DEFAULT 0,
    rows_loaded bigint NOT NULL DEFAULT 0,
    rows_duplicate bigint NOT NULL DEFAULT 0,
    rows_rejected bigint NOT NULL DEFAULT 0,
    control_totals jsonb NOT NULL DEFAULT '{}',
    event_time_min timestamptz,
    event_time_max timestamptz,
    error jsonb,
    discovered_at timestamptz NOT NULL DEFAULT now(),
    loaded_at timestamptz,
    CHECK (state <> 'loaded' OR rows_read = rows_loaded + rows_duplicate + rows_rejected)
);
COMMENT ON TABLE ingest.file IS 'Each object at each version, by target; never expires.';
-- a version that was replaced may come back and is then a new file
CREATE UNIQUE INDEX file_identity ON ingest.file (target, uri, version) WHERE state <> 'replaced';
-- one content, one loaded file: the second of two twins waits for the first here
CREATE UNIQUE INDEX file_content ON ingest.file (target, content_hash) WHERE state = 'loaded' AND rows_read > 0;
CREATE INDEX file_content_bytes ON ingest.file (target, content_bytes) WHERE state = 'loaded';
CREATE INDEX file_run ON ingest.file (run_id);

CREATE TABLE ingest.attempt (
    attempt_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id bigint NOT NULL REFERENCES ingest.file,
    run_id bigint NOT NULL REFERENCES ingest.run,
    number integer NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'loaded', 'failed', 'skipped', 'abandoned')),
    worker text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    rows_read bigint,
    bytes_read bigint,
    stage_seconds jsonb,
    error jsonb,
    UNIQUE (file_id, number)
);
COMMENT ON TABLE ingest.attempt IS 'Each try to load a file, and how it ended.';
CREATE INDEX attempt_running ON ingest.attempt (run_id) WHERE state = 'running';

CREATE TABLE ingest.file_part (
    file_id bigint NOT NULL REFERENCES ingest.file,
    attempt_id bigint NOT NULL REFERENCES ingest.attempt,
    part integer NOT NULL,
    rows bigint NOT NULL,
    PRIMARY KEY (attempt_id, part)
);
COMMENT ON TABLE ingest.file_part IS
    'Rows of a large file that are committed while its last part is not: gone a moment later, or after a crash with the next attempt.';
CREATE INDEX file_part_file ON ingest.file_part (file_id);

CREATE TABLE ingest.reject (
    reject_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id bigint NOT NULL REFERENCES ingest.file,
    run_id bigint NOT NULL REFERENCES ingest.run,
    row_number bigint NOT NULL,
    byte_offset bigint NOT NULL,
    raw bytea NOT NULL,
    raw_text text NOT NULL,
    reasons jsonb NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
    resolved_at timestamptz,
    resolved_run_id bigint REFERENCES ingest.run,
    discard_reason text
);
COMMENT ON TABLE ingest.reject IS 'Rows that broke the contract, as they were, with all that is wrong with them.';
CREATE UNIQUE INDEX reject_row ON ingest.reject (file_id, row_number);
CREATE INDEX reject_open ON ingest.reject (run_id) WHERE state = 'open';

CREATE TABLE ingest.overlap (
    file_id bigint NOT NULL REFERENCES ingest.file,
    original_file_id bigint NOT NULL REFERENCES ingest.file,
    rows bigint NOT NULL,
    PRIMARY KEY (file_id, original_file_id)
);
COMMENT ON TABLE ingest.overlap IS 'How many rows of a file were duplicates of rows that another file had delivered.';
CREATE INDEX overlap_original ON ingest.overlap (original_file_id);

CREATE TABLE ingest.event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id bigint REFERENCES ingest.run,
    file_id bigint REFERENCES ingest.file,
    kind text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE ingest.event IS 'What happened, in order; append-only.';
CREATE INDEX event_run ON ingest.event (run_id, event_id);

CREATE UNLOGGED TABLE ingest.progress (
    file_id bigint PRIMARY KEY,
    run_id bigint NOT NULL,
    stage text NOT NULL,
    bytes_read bigint NOT NULL,
    size_bytes bigint NOT NULL,
    rows_read bigint NOT NULL,
    rows_rejected bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ingest.progress IS 'Files that are being loaded now; what is here is not committed.';
