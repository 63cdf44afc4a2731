"""What the REST API needs: tokens, sessions, audit, run requests, and events that can be followed without a loss."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LIST_INDEXES = (
    "run_state",
    "run_kind",
    "run_target",
    "run_engine",
    "run_started_by",
    "run_contract",
    "run_ended_at",
    "run_duration_seconds",
    "run_rows_per_second",
    "run_files_planned",
    "run_files_loaded",
    "run_files_failed",
    "run_files_skipped",
    "run_rows_read",
    "run_rows_loaded",
    "run_rows_duplicate",
    "run_rows_rejected",
    "run_bytes_read",
    "file_target",
    "file_not_loaded",
    "file_not_loaded_id",
    "file_not_loaded_uri",
    "file_not_loaded_size_bytes",
    "file_not_loaded_rows_read",
    "file_not_loaded_rows_rejected",
    "file_not_loaded_loaded_at",
    "file_uri",
    "file_size_bytes",
    "file_rows_read",
    "file_rows_rejected",
    "file_loaded_at",
    "file_freshness",
    "file_replaces",
    "attempt_run",
    "attempt_failed",
    "event_file",
    "reject_run",
    "reject_resolved_run",
)


def upgrade() -> None:
    """Make the tables of the API."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    """Forget the tokens, and who did what."""
    op.execute("DROP INDEX " + ", ".join(f"ingest.{name}" for name in (*LIST_INDEXES, "file_run")))
    op.execute("CREATE INDEX file_run ON ingest.file (run_id)")
    op.execute("DROP TABLE ingest.follower, ingest.run_request, ingest.audit, ingest.api_session, ingest.api_token")
    op.execute("ALTER TABLE ingest.event DROP COLUMN transaction_id")
