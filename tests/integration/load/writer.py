"""Writes numbers from a Spark session into a table, as a process of its own; prints what is in the ledger of it."""

import json
import sys

from trade_ingest import spark as ti
from trade_ingest.engine.spark_session import open_session

TABLE, WRITE_ID = "public.number", "numbers"


def main(order):
    session, _ = open_session(order["master"], order["conf"])
    df = session.range(0, order["rows"], 1, 2)
    if order.get("is_format"):
        ti.register(session)
        options = {"table": TABLE, "database": order["database"], "write_id": WRITE_ID}
        df.write.format("postgres_copy").mode("append").options(**options).save()
    # after the format it writes nothing more: it is the same write
    result = ti.write(df, TABLE, order["database"], write_id=WRITE_ID, partitions=order.get("partitions"))
    sys.stdout.write(json.dumps([result.partitions, result.rows_loaded, result.rows_skipped]))
    session.stop()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
