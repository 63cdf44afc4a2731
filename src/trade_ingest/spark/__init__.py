"""Trade files as DataFrames, and DataFrames into PostgreSQL, for notebooks and Spark code.

The public names are those of ``__all__``. Works on Spark 3.5 and later, on classic sessions and Spark Connect::

    from trade_ingest import spark as ti

    trades = ti.read(spark, "trades/", contract="trade_event")
    ti.write(trades, "trade_copy", "postgresql://me@db.example/trades", write_id="2024-01-31")
"""

from trade_ingest.spark.reading import read, read_rejects
from trade_ingest.spark.running import ingest
from trade_ingest.spark.sources import register
from trade_ingest.spark.writing import WriteResult, write

__all__ = ["WriteResult", "ingest", "read", "read_rejects", "register", "write"]
