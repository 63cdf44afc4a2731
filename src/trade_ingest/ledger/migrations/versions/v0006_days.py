"""Which days the rows of a file are of."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep the days of files; those of files that were loaded before are counted in their targets."""
    statements = Path(__file__).with_suffix(".sql").read_text()
    op.get_bind().exec_driver_sql(statements.replace("%", "%%"))  # the driver has placeholders


def downgrade() -> None:
    """Forget them."""
    op.execute("ALTER TABLE ingest.file DROP COLUMN event_day, DROP COLUMN event_days, DROP COLUMN event_day_rows")
