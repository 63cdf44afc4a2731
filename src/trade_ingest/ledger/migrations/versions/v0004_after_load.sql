CREATE TABLE ingest.after_load (
    file_id bigint PRIMARY KEY REFERENCES ingest.file ON DELETE CASCADE,
    run_id bigint NOT NULL REFERENCES ingest.run,
    action text NOT NULL CHECK (action IN ('move', 'tag', 'delete')),
    destination text,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    error jsonb,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    CHECK ((action = 'move') = (destination IS NOT NULL))
);
COMMENT ON TABLE ingest.after_load IS
    'What is done with a file once it is loaded: asked for in the file''s own transaction, done after its COMMIT.';
CREATE INDEX after_load_open ON ingest.after_load (file_id) WHERE state <> 'done';
