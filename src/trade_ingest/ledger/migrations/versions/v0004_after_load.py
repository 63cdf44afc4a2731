"""What is done with files after they were loaded."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of what is to be done with files."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    """Forget where loaded files were moved to."""
    op.execute("DROP TABLE ingest.after_load")
