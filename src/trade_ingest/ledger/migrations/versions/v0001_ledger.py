"""The ledger."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of the ledger."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    """Take the ledger away, and with it all that is known of what was loaded."""
    tables = "overlap, progress, event, reject, file_part, attempt, file, run, contract"
    op.execute(f"DROP TABLE {', '.join('ingest.' + name for name in tables.split(', '))}")
