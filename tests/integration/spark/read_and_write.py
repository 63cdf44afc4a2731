"""Reads files and writes them with another PySpark: ``PYTHON read_and_write.py DATABASE FOLDER MASTER``.

Prints one JSON object for the test that has started it.
"""

import json
import sys
import warnings

from trade_ingest import spark as ti
from trade_ingest.engine.spark_session import open_session
from trade_ingest.errors import EngineError

warnings.simplefilter("ignore")


def open_connect(master):
    """A session over Spark Connect, with a server that this process starts."""
    from pyspark.sql import SparkSession

    return SparkSession.builder.remote(master.removeprefix("connect:")).getOrCreate()


def write_by_format(df, database, write_id):
    """Write with the Python Data Source."""
    options = {"table": "by_format", "database": database, "write_id": write_id}
    df.write.format("postgres_copy").mode("append").options(**options).save()


def main(database, folder, master):
    """Read, write twice, and use the formats where there are any."""
    contract = f"{folder}/contract.yaml"
    conf = {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "America/New_York"}
    session = open_connect(master) if master.startswith("connect:") else open_session(master, conf)[0]
    df = ti.read(session, f"{folder}/*.csv", contract=contract)
    first = ti.write(df, "by_function", database, key="trade_id", write_id="w")
    second = ti.write(df, "by_function", database, key="trade_id", write_id="w")
    rejects = ti.read_rejects(session, f"{folder}/*.csv", contract=contract).collect()
    has_formats = True
    try:
        ti.register(session)
        by_format = session.read.format("trades").option("contract", contract).load(f"{folder}/*.csv")
        write_by_format(by_format, database, "f")
        write_by_format(by_format, database, "f")
    except EngineError:
        has_formats = False
    run = ti.ingest(session, f"{folder}/*.csv", contract=contract, database=database)
    said = {
        "version": session.version,
        "schema": df.schema.simpleString(),
        "counts": [[r.rows_loaded, r.rows_duplicate, r.rows_skipped] for r in (first, second)],
        "rejects": [[row.row_number, [reason.code for reason in row.reasons]] for row in rejects],
        "has_formats": has_formats,
        "run": [run.files_loaded, run.rows_loaded],
    }
    session.stop()
    try:
        ti.ingest(session, f"{folder}/*.csv", contract=contract, database=database)
    except EngineError as error:
        said["after_stop"] = error.message
    print(json.dumps(said))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
