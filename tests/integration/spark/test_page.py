"""The code of the page on DataFrames is run as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from trade_ingest import spark as ti

pytest.importorskip("pyspark", minversion="4.0")

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "spark-dataframes.md"


def test_code_of_the_page_runs(session, database_url, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["--output", "trades", "--rows", "1000", "--files", "2", "--bad-ratio", "0.005", "--seed", "1"]
    subprocess.run([sys.executable, "-m", "trade_ingest", "generate", *arguments], check=True)
    # Spark's processes are in the folder that was the current one when the session began
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
    code = code.replace("postgresql://me@db.example/trades", database_url).replace('"trades/"', f'"{tmp_path}/trades/"')
    names = {"spark": session}
    capsys.readouterr()
    exec(compile(code, PAGE.name, "exec"), names)

    reasons = {(row["code"], row["column"]): row["count"] for row in names["per_reason"].collect()}
    rejected = names["rejects"].count()
    pairs = names["daily"].count()
    assert rejected > 0
    assert sum(reasons.values()) >= rejected
    assert names["trades"].count() == 1000 - rejected
    assert capsys.readouterr().out == f"{pairs} 0 0\n2 {1000 - rejected}\n"
    again = ti.write(names["daily"], "trade_count", database_url, key=[], write_id="2024-01-31", partitions=4)
    assert (again.rows_loaded, again.rows_skipped) == (0, pairs)
