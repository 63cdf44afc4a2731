"""Entry points in one Spark session, each with its arguments: run_entry_points.py JOBS, JSON lists of words.

The first word of each is the program. What they exit with is printed at the end, as JSON.
"""

import json
import runpy
import sys

from trade_ingest.engine.spark_session import open_session


def run(words):
    """Run a program with arguments; its exit code."""
    sys.argv = words
    try:
        runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        return end.code
    return 0


if __name__ == "__main__":
    session, _ = open_session("local[2]", {"spark.ui.enabled": "false"})
    codes = [run(words) for words in json.loads(sys.argv[1])]
    print(json.dumps({"version": session.version, "codes": codes}))  # noqa: T201  # its result
    session.stop()
