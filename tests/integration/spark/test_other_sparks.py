"""Reading and writing with other versions of PySpark, and over Spark Connect, each in a process of its own.

TRADE_INGEST_TEST_SPARK_PYTHONS holds the paths of Python interpreters, separated by colons, with the dependencies of
this package and a PySpark each; the package itself is taken from here.
"""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import trade_ingest
from trade_ingest.engine.java import java_home

pyspark = pytest.importorskip("pyspark", minversion="4.0")  # older ones have no server for Connect

SCRIPT = Path(__file__).with_name("read_and_write.py")
OTHERS = [path for path in os.environ.get("TRADE_INGEST_TEST_SPARK_PYTHONS", "").split(":") if path]


def has_connect(python):
    """Whether there is what Spark Connect needs; PySpark 3.5 has no server of it."""
    said = "import grpc, pyspark, sys; sys.exit(pyspark.__version__.startswith('3.'))"
    return subprocess.run([python, "-c", said], capture_output=True, check=False).returncode == 0


CASES = [(python, "connect:local[2]") for python in (sys.executable, *filter(has_connect, OTHERS))]
CASES += [(python, "local[2]") for python in OTHERS]

LINES = [
    f"{2**63 - 1},-99999999999999999999.999999999999999999,-0.0001,,true,2024-02-29,2024-07-01 09:30:00.123456789",
    '1,0.000000000000000001,,"",false,,2024-01-01 09:30:00',
    "2,x,,a,,,2024-01-01 09:30:00",
]
WINTER, SUMMER = datetime(2024, 1, 1, 14, 30, tzinfo=UTC), datetime(2024, 7, 1, 13, 30, 0, 123456, tzinfo=UTC)


def expected(a, b):
    return [
        (1, Decimal("1e-18"), None, "", False, None, WINTER, 1704119400 * 10**9, a, 2),
        (3, Decimal(1), None, "é", None, None, WINTER, 1704119400 * 10**9, b, 1),
        (
            2**63 - 1,
            Decimal("-99999999999999999999.999999999999999999"),
            Decimal("-0.0001"),
            None,
            True,
            date(2024, 2, 29),
            SUMMER,
            1719840600 * 10**9 + 123456789,
            a,
            1,
        ),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("python", "master"), CASES)
def test_files_are_read_and_written(fills, python, master):
    a, b = fills.write("a.csv", LINES), fills.write("b.csv", ["3,1,,é,,,2024-01-01 09:30:00"])
    environment = {
        "PYTHONPATH": str(Path(trade_ingest.__file__).parents[1]),
        "PYSPARK_PYTHON": python,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    if master.startswith("connect:"):
        version = pyspark.__version__ if python == sys.executable else "4.0.0"
        environment["JAVA_HOME"] = java_home(version)  # a server for Connect does not look for one
    done = subprocess.run(
        [python, SCRIPT, fills.database, fills.folder, master],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    has_formats = not said["version"].startswith("3.")

    assert said | {"version": "", "schema": ""} == {
        "version": "",
        "schema": "",
        "counts": [[3, 0, 0], [0, 0, 3]],
        "rejects": [[3, ["invalid_decimal"]]],
        "has_formats": has_formats,
        "run": [2, 3],
        "after_stop": "the Spark session is stopped",
    }
    for table in ("by_function", "by_format")[: 1 + has_formats]:
        assert fills.query(f"SELECT * FROM {table} ORDER BY trade_id") == expected(a, b)
