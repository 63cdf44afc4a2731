r"""Measures the engine ``spark`` against Spark's own CSV reader and JDBC writer, and against the local engine.

    python bench/spark_bench.py --jar postgresql.jar    end to end: whole processes, session start included
    python bench/spark_bench.py --slope                 rows/s between 10 M and 30 M rows, both engines
    python bench/spark_bench.py --overhead              ten small files: what Spark adds to the loads
    python bench/spark_bench.py --weak                  one worker of one core, then two with twice the files

Same files, same table and indexes, same server, in turn. Spark's writer has the settings that made it fastest here:
``reWriteBatchedInserts``, a batch size of 10,000, a partition for each slot. Ours starts as it does after
``trade-ingest spark prepare``, which is done first where it was not. The PostgreSQL driver (a jar) is not part
of this project: Debian has it as libpostgresql-jdbc-java.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil

from bench import PRINTS, Bench, DataSet, Measured, data_sets, run_program, write_prints
from trade_ingest.contract.loading import load_contract
from trade_ingest.contract.model import Contract
from trade_ingest.embedded.server import DATABASE
from trade_ingest.engine.java_archive import make_archive
from trade_ingest.generate import generate
from trade_ingest.load.target import TargetTable

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from spark_cluster import SparkCluster

SLOTS = "local[2]"
SPARK_TYPES = {"integer": "bigint", "text": "string", "enum": "string", "boolean": "boolean", "timestamp": "timestamp"}

JDBC_PROGRAM = """
import sys, json
from urllib.parse import urlsplit, parse_qs
from pyspark.sql import SparkSession, functions as F
order = json.loads(sys.argv[1])
session = (
    SparkSession.builder.master(order["master"])
    .config("spark.jars", order["jar"]).config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC").config("spark.driver.memory", "4g")
    .getOrCreate()
)
reader = session.read.schema(order["schema"]).option("header", order["header"]).option("mode", "FAILFAST")
frame = reader.csv(order["folder"])
frame = frame.withColumn("file_id", F.lit(0)).withColumn("row_number", F.lit(0))
frame = frame.repartition(order["slots"]) if frame.rdd.getNumPartitions() < order["slots"] else frame
(
    frame.write.format("jdbc").mode("append")
    .option("url", order["url"]).option("dbtable", order["table"]).option("driver", "org.postgresql.Driver")
    .option("batchsize", 10000).option("reWriteBatchedInserts", "true").option("numPartitions", order["slots"])
    .save()
)
session.stop()
"""


def spark_schema(contract: Contract) -> str:
    """The columns of the files as Spark's reader takes them."""
    columns = []
    for column in contract.file_columns:
        kind = column.value_type
        spark = f"decimal({kind.precision},{kind.scale})" if kind.kind == "decimal" else SPARK_TYPES[kind.kind]
        columns.append(f"{column.name} {spark}")
    return ", ".join(columns)


class SparkBench:
    """The three ways to load a set of files."""

    def __init__(self, bench: Bench, jar: str | None, port: int) -> None:
        self.bench = bench
        self.jar = jar
        self.port = port

    def clear(self, data: DataSet) -> None:
        """An empty table, and a server that has written out what it had."""
        self.bench.clear(data)

    def ours(self, data: DataSet, engine: str) -> Measured:
        """Load with trade-ingest."""
        spark = ["--master", SLOTS, "--conf", "spark.ui.enabled=false"]  # as Spark's own writer has it here
        return self.run(data, "--engine", engine, *(spark if engine == "spark" else []))

    def run(self, data: DataSet, *options: str) -> Measured:
        """Load with options."""
        command = [sys.executable, "-m", "trade_ingest", "--quiet", "run", str(data.folder), "-o", "json", *options]
        return run_program([*command, "--contract", data.contract, "--database", self.bench.url])

    def on_workers(self, data: DataSet, workers: int) -> float:
        """Seconds of a load on a cluster with so many workers of one core, which is started before."""
        with tempfile.TemporaryDirectory(prefix="trade-ingest-bench") as folder:
            cluster = SparkCluster(Path(folder))
            try:
                cluster.start(workers)
                conf = [f"--conf={name}={value}" for name, value in cluster.options["spark_conf"].items()]
                options = ["--engine", "spark", "--master", cluster.url, "--parallelism", str(workers)]
                return self.run(data, *options, *conf).seconds
            finally:
                cluster.stop()

    def copy(self, data: DataSet, sessions: int) -> float:
        """Seconds of ``psql`` sessions, as many as files, at once."""
        self.bench.let_lineage_be_zero(data)
        started = time.perf_counter()
        with ThreadPoolExecutor(sessions) as pool:
            list(pool.map(lambda file: self.bench.copy(data, [file]), data.files))
        return time.perf_counter() - started

    def processor_seconds(self) -> tuple[float, float]:
        """Processor seconds since the start: of this machine, and of the server."""
        machine = psutil.cpu_times()
        server = psutil.Process(self.bench.process_id)
        own = server.cpu_times()  # of its children those that have ended
        used = own.user + own.system + own.children_user + own.children_system
        for child in server.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it has ended since
                times = child.cpu_times()
                used += times.user + times.system
        return machine.user + machine.system, used

    def jdbc(self, data: DataSet) -> Measured:
        """Load with Spark's own reader and writer."""
        contract = load_contract(data.contract)
        order = {
            "master": SLOTS,
            "slots": 2,
            "jar": self.jar,
            "schema": spark_schema(contract),
            "header": "true" if contract.format.header else "false",
            "folder": str(data.folder),
            "table": TargetTable.of(contract).quoted_name,
            "url": f"jdbc:postgresql://127.0.0.1:{self.port}/{DATABASE}?user=postgres",
        }
        return run_program([sys.executable, "-c", textwrap.dedent(JDBC_PROGRAM), json.dumps(order)])


def end_to_end(spark: SparkBench, data: DataSet, rounds: int) -> None:
    """Whole processes, session start included."""
    seconds: dict[str, list[float]] = {"spark engine": [], "Spark CSV + JDBC": []}
    for number in range(rounds):
        for name, load in (
            ("spark engine", lambda: spark.ours(data, "spark")),
            ("Spark CSV + JDBC", lambda: spark.jdbc(data)),
        ):
            spark.clear(data)
            measured = load()
            rows = spark.bench.content(data)[0][0]
            if rows != data.rows:
                sys.exit(f"{name}: {rows} rows, expected {data.rows}")
            seconds[name].append(measured.seconds)
            print(f"  round {number + 1} {name:18} {measured.seconds:7.2f} s", flush=True)
    ratios = [b / a for a, b in zip(*seconds.values(), strict=True)]
    print(
        f"{data.name}: ratio {statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f})", flush=True
    )


def slope(spark: SparkBench, rounds: int) -> None:
    """Rows per second between 10 and 30 million rows."""
    sets = []
    for files in (1, 3):
        folder, rows = spark.bench.folder / f"slope-{files}", files * 10_000_000
        if not folder.exists():
            write_prints(folder, rows, files)
        sets.append(DataSet("slope", PRINTS, folder, rows))
    per_second: dict[str, list[float]] = {"local": [], "spark": []}
    for _ in range(rounds):
        for engine, found in per_second.items():
            taken = []
            for data in sets:
                spark.clear(data)
                taken.append(spark.ours(data, engine).seconds)
            found.append(20_000_000 / (taken[1] - taken[0]))
            print(
                f"  {engine:6} 10 M {taken[0]:6.1f} s   30 M {taken[1]:6.1f} s   {found[-1]:10,.0f} rows/s", flush=True
            )
    ratios = [b / a for a, b in zip(*per_second.values(), strict=True)]
    print(f"slope: spark is {statistics.median(ratios):.2f} of local", flush=True)


def overhead(spark: SparkBench, rounds: int) -> None:
    """Ten small files: the time of a run on Spark, less the session's start and less a run without Spark."""
    folder = spark.bench.folder / "overhead"
    if not folder.exists():
        generate(load_contract("trade_event"), folder, rows=20_000, files=10, seed=1)
    data = DataSet("overhead", "trade_event", folder, 20_000)
    program = (
        "import time; from trade_ingest.engine.spark_session import open_session; started = time.perf_counter();"
        f" session, _ = open_session({SLOTS!r}, {{'spark.ui.enabled': 'false'}});"
        " print(time.perf_counter() - started); session.stop()"
    )
    found = []
    for _ in range(rounds):
        session = float(subprocess.check_output([sys.executable, "-c", program], text=True))
        spark.clear(data)
        local = spark.ours(data, "local").seconds
        spark.clear(data)
        whole = spark.ours(data, "spark").seconds
        found.append(whole - session - local)
        print(
            f"  session {session:.2f} s, local {local:.2f} s, spark {whole:.2f} s: beyond both {found[-1]:.2f} s",
            flush=True,
        )
    print(f"overhead: {statistics.median(found):.2f} s beyond session start and a run without Spark", flush=True)


def weak(spark: SparkBench, rounds: int) -> None:
    r"""Weak scaling: a worker of one core with five million rows, then two workers with ten.

    The same with one and two sessions of ``psql`` that copy a file each, which need nothing but the server; and how
    much of the machine was busy, and how much of that was the server.
    """
    sets = []
    for files in (1, 2):
        folder, rows = spark.bench.folder / f"weak-{files}", files * 5_000_000
        if not folder.exists():
            write_prints(folder, rows, files)
        sets.append(DataSet("weak", PRINTS, folder, rows))
    speeds: dict[str, list[float]] = {"spark": [], r"psql \copy": []}
    for _ in range(rounds):
        for (name, found), load in zip(speeds.items(), (spark.on_workers, spark.copy), strict=True):
            seconds = []
            for workers, data in enumerate(sets, 1):
                spark.clear(data)
                before = spark.processor_seconds()
                seconds.append(load(data, workers))
                busy, server = (b - a for a, b in zip(before, spark.processor_seconds(), strict=True))
                print(
                    f"  {name:10} {workers} workers {seconds[-1]:6.1f} s   processors {busy:5.1f} s,"
                    f" of it the server {server:5.1f} s",
                    flush=True,
                )
            found.append(seconds[0] / seconds[1])
    for name, found in speeds.items():
        print(f"weak scaling, {name}: {statistics.median(found):.2f} of the speed for each of two", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jar", help="the PostgreSQL driver for Spark's JDBC writer")
    parser.add_argument("--only", default="", help="with --jar: the data whose name has this word: prints, events")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slope", action="store_true")
    parser.add_argument("--overhead", action="store_true")
    parser.add_argument("--weak", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="data and server; kept for the next time")
    arguments = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    # Java has no Unix sockets: the server listens on this machine's loopback, too
    bench = Bench(arguments.folder.resolve(), {"listen_addresses": "'127.0.0.1'", "port": str(port)})
    spark = SparkBench(bench, arguments.jar, port)
    make_archive()
    started = time.monotonic()
    try:
        if arguments.slope:
            slope(spark, arguments.rounds)
        if arguments.overhead:
            overhead(spark, arguments.rounds)
        if arguments.weak:
            weak(spark, arguments.rounds)
        if arguments.jar:
            for data in data_sets(bench, arguments.scale):
                if arguments.only in data.name:
                    end_to_end(spark, data, arguments.rounds)
    finally:
        bench.close()
    print(f"{time.monotonic() - started:.0f} s in all")


if __name__ == "__main__":
    main()
