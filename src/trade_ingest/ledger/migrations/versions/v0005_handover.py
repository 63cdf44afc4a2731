"""Where accepted rows go beside the target: lakes, and what of each file is in them."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of lakes, and the catalog of Iceberg tables."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    """Forget what lakes hold, and where the Iceberg tables are."""
    op.execute("DROP TABLE ingest.handover, ingest.lake, ingest.iceberg_tables, ingest.iceberg_namespace_properties")
