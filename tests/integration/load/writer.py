"""Writes numbers from a Spark session into a table, as a process of its own; prints the result's counts."""

import json
import sys

from trade_ingest import spark as ti
from trade_ingest.engine.spark_session import open_session


def main(order):
    session, _ = open_session(order["master"], order["conf"])
    df = session.range(0, order["rows"], 1, 2)
    result = ti.write(df, "public.number", order["database"], write_id="numbers")
    sys.stdout.write(json.dumps([result.partitions, result.rows_loaded, result.rows_skipped]))
    session.stop()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
