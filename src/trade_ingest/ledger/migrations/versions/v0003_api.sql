CREATE TABLE ingest.api_token (
    token_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    scope text NOT NULL CHECK (scope IN ('read', 'operate', 'admin')),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);
COMMENT ON TABLE ingest.api_token IS 'Who may use the REST API; the tokens themselves are nowhere, only their SHA-256.';

CREATE TABLE ingest.api_session (
    session_hash bytea PRIMARY KEY,
    token_id bigint NOT NULL REFERENCES ingest.api_token,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE ingest.api_session IS 'Browsers that were let in with a token; a session ends with its token.';
CREATE INDEX api_session_expires ON ingest.api_session (expires_at);

CREATE TABLE ingest.audit (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text,
    detail jsonb NOT NULL DEFAULT '{}',
    status integer,
    address text,
    request_id text
);
COMMENT ON TABLE ingest.audit IS
    'Each write over the REST API: who, what, when, from where, and the HTTP status it was answered with (NULL: not yet).';
CREATE INDEX audit_actor ON ingest.audit (actor, audit_id);

CREATE TABLE ingest.run_request (
    run_request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    idempotency_key text UNIQUE,
    fingerprint bytea NOT NULL,
    requested_by text NOT NULL,
    arguments jsonb NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (
        state IN ('queued', 'starting', 'running', 'ended', 'cancelled', 'failed')
    ),
    run_id bigint REFERENCES ingest.run,
    retry_of_run_id bigint REFERENCES ingest.run,
    tries integer NOT NULL DEFAULT 0,
    host text,
    process_id integer,
    requested_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    stop_requested_at timestamptz,
    ended_at timestamptz,
    error jsonb
);
COMMENT ON TABLE ingest.run_request IS
    'Runs that were asked for over the REST API; who works on one holds an advisory lock as long as its process lives.';
CREATE INDEX run_request_open ON ingest.run_request (run_request_id)
    WHERE state IN ('queued', 'starting', 'running');
CREATE INDEX run_request_run ON ingest.run_request (run_id);

CREATE TABLE ingest.follower (
    name text PRIMARY KEY,
    position text NOT NULL,
    memory jsonb NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ingest.follower IS
    'Who passes events on (notifications, lineage, traces), and up to which event each has done so.';

-- Ids are given out before a commit, so a later id may be seen first. The transaction says which events a reader who
-- knows its last snapshot has not seen yet. The old events are in every snapshot; a constant rewrites no table.
ALTER TABLE ingest.event ADD COLUMN transaction_id xid8 NOT NULL DEFAULT '0';
ALTER TABLE ingest.event ALTER COLUMN transaction_id SET DEFAULT pg_current_xact_id();
CREATE INDEX event_transaction ON ingest.event (transaction_id);

-- The lists of the API. Each expression is spelled as in ledger/run_pages.py and ledger/file_pages.py; the id at the end
-- makes a page's end unique. Runs are few and change seldom, so that they can be ordered by everything.
CREATE INDEX run_state ON ingest.run (state, run_id);
CREATE INDEX run_kind ON ingest.run (kind, run_id);
CREATE INDEX run_target ON ingest.run (target, run_id);
CREATE INDEX run_engine ON ingest.run (engine, run_id);
CREATE INDEX run_started_by ON ingest.run (started_by, run_id);
CREATE INDEX run_contract ON ingest.run (contract_id, target, run_id);
CREATE INDEX run_ended_at ON ingest.run ((coalesce(ended_at, 'infinity'::timestamptz)), run_id);
CREATE INDEX run_duration_seconds ON ingest.run (
    (coalesce(extract(epoch FROM ended_at - started_at)::float8, 'infinity'::float8)), run_id
);
CREATE INDEX run_rows_per_second ON ingest.run (
    (coalesce(rows_read / nullif(extract(epoch FROM ended_at - started_at)::float8, 0), 0)), run_id
);
CREATE INDEX run_files_planned ON ingest.run (files_planned, run_id);
CREATE INDEX run_files_loaded ON ingest.run (files_loaded, run_id);
CREATE INDEX run_files_failed ON ingest.run (files_failed, run_id);
CREATE INDEX run_files_skipped ON ingest.run (files_skipped, run_id);
CREATE INDEX run_rows_read ON ingest.run (rows_read, run_id);
CREATE INDEX run_rows_loaded ON ingest.run (rows_loaded, run_id);
CREATE INDEX run_rows_duplicate ON ingest.run (rows_duplicate, run_id);
CREATE INDEX run_rows_rejected ON ingest.run (rows_rejected, run_id);
CREATE INDEX run_bytes_read ON ingest.run (bytes_read, run_id);

-- Files are many, and each index costs something with each of them: no more than a screen of all files needs.
DROP INDEX ingest.file_run;
CREATE INDEX file_run ON ingest.file (run_id, file_id);
CREATE INDEX file_target ON ingest.file (target, file_id);
CREATE INDEX file_not_loaded ON ingest.file (state, file_id) WHERE state <> 'loaded';
CREATE INDEX file_not_loaded_id ON ingest.file (file_id) WHERE state <> 'loaded';
CREATE INDEX file_not_loaded_uri ON ingest.file (state, uri, file_id) WHERE state <> 'loaded';
CREATE INDEX file_not_loaded_size_bytes ON ingest.file (state, size_bytes, file_id) WHERE state <> 'loaded';
CREATE INDEX file_not_loaded_rows_read ON ingest.file (state, rows_read, file_id) WHERE state <> 'loaded';
CREATE INDEX file_not_loaded_rows_rejected ON ingest.file (state, rows_rejected, file_id) WHERE state <> 'loaded';
CREATE INDEX file_not_loaded_loaded_at ON ingest.file (
    state, (coalesce(loaded_at, '-infinity'::timestamptz)), file_id
) WHERE state <> 'loaded';
CREATE INDEX file_uri ON ingest.file (uri, file_id);
CREATE INDEX file_size_bytes ON ingest.file (size_bytes, file_id);
CREATE INDEX file_rows_read ON ingest.file (rows_read, file_id);
CREATE INDEX file_rows_rejected ON ingest.file (rows_rejected, file_id);
CREATE INDEX file_loaded_at ON ingest.file ((coalesce(loaded_at, '-infinity'::timestamptz)), file_id);
CREATE INDEX file_freshness ON ingest.file (target, contract_id, loaded_at) WHERE state = 'loaded';
CREATE INDEX file_replaces ON ingest.file (replaces_file_id) WHERE replaces_file_id IS NOT NULL;

CREATE INDEX attempt_run ON ingest.attempt (run_id, attempt_id);
CREATE INDEX attempt_failed ON ingest.attempt (ended_at) WHERE state = 'failed';
CREATE INDEX event_file ON ingest.event (file_id, event_id) WHERE file_id IS NOT NULL;
CREATE INDEX reject_run ON ingest.reject (run_id, reject_id);
CREATE INDEX reject_resolved_run ON ingest.reject (resolved_run_id) WHERE resolved_run_id IS NOT NULL;
