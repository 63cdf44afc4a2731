"""What was written from Spark DataFrames."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of writes and their partitions."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    """Forget which DataFrames were written: a write with an old id would double its rows."""
    op.execute("DROP TABLE ingest.spark_write_partition, ingest.spark_write")
