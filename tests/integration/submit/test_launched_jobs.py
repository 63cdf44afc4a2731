"""Jobs in processes of their own: by spark-submit, as EMR starts a step, and in other versions of Spark."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import trade_ingest
from clouds.cases import CASES, arguments_of
from clouds.desk import ENTRY_POINT, lines
from trade_ingest.engine.java import java_home

pyspark = pytest.importorskip("pyspark")

BY_NAME = {case.name: case for case in CASES}
SCRIPT = Path(__file__).with_name("run_entry_points.py")
OTHERS = [path for path in os.environ.get("TRADE_INGEST_TEST_SPARK_PYTHONS", "").split(":") if path]


def rendered(desk, case, source, *options):
    """The job as `--dry-run` prints it."""
    arguments = [*case.arguments(desk, wait=False), *options, "--dry-run", "--", source, "--contract", desk.contract]
    code, out, err = desk.call("submit", *arguments)
    assert code == 0, err
    return json.loads(out)["job"]


@pytest.fixture
def desk_with_contract(desk):
    """Its contract is in the store already: what is only rendered uploads nothing."""
    store = desk.clouds.stores["s3"]
    store.put("contracts/fill.yaml", (desk.folder / "fill.yaml").read_bytes())
    desk.contract = store.uri("contracts/fill.yaml")
    return desk


@pytest.mark.slow
def test_step_of_emr_runs_under_spark_submit(desk_with_contract):
    """With the words of the step, but for the deploy mode and the two files that EMR fetches from S3."""
    desk, case = desk_with_contract, BY_NAME["emr-ec2"]
    source = desk.put("s3", {"a.csv": lines(1, 200), "b.csv": lines(201, 300)})
    document = rendered(desk, case, source, "--python", sys.executable)
    _, *words = document["Steps"][0]["HadoopJarStep"]["Args"]
    here = {
        "cluster": "client",
        **{word: str(ENTRY_POINT) for word in words if word.endswith("/ingest_job.py")},
        **{word: "dist/trade-ingest-packages.tar.gz#packages" for word in words if word.endswith("#packages")},
    }
    home = Path(pyspark.__file__).parent
    command = [home / "bin" / "spark-submit", "--master", "local[2]", "--conf", "spark.ui.enabled=false"]
    environment = {"JAVA_HOME": java_home(pyspark.__version__), "SPARK_LOCAL_IP": "127.0.0.1"}

    done = subprocess.run(
        [*command, *(here.get(word, word) for word in words)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert desk.rows() == list(range(1, 301))
    assert desk.query("SELECT state, engine FROM ingest.run") == [("succeeded", "spark")]
    assert desk.database not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("python", OTHERS)
def test_jobs_run_in_another_version(desk_with_contract, python):
    desk, jobs = desk_with_contract, []
    (desk.folder / "database-url").write_text(desk.database)
    for number, name in enumerate(BY_NAME):
        source = desk.put(BY_NAME[name].store, {"a.csv": lines(number * 100, number * 100 + 99)})
        words = arguments_of(name, rendered(desk, BY_NAME[name], source))
        words[words.index("--database-secret") + 1] = f"file:{desk.folder / 'database-url'}"  # no cloud's library there
        jobs.append([str(ENTRY_POINT), *(f"{desk.folder}{w}" if w.startswith("/Volumes/") else w for w in words)])
    environment = {
        "PYTHONPATH": str(Path(trade_ingest.__file__).parents[1]),
        "PYSPARK_PYTHON": python,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }

    done = subprocess.run(
        [python, SCRIPT, json.dumps(jobs)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1])["codes"] == [0] * len(jobs)
    assert desk.rows() == list(range(100 * len(jobs)))
    # on Databricks' serverless compute and in a plain Job of Kubernetes the driver loads
    assert desk.query("SELECT engine, count(*) FROM ingest.run GROUP BY 1 ORDER BY 1") == [("local", 2), ("spark", 8)]
