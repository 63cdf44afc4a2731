"""A job of each platform: submitted by the program, run with exactly the arguments that were submitted, rows loaded.

The entry point runs in this process, in one Spark session, as the driver of a cluster would.
"""

import pytest

from clouds.cases import CASES
from clouds.desk import lines

pytest.importorskip("pyspark")


@pytest.fixture(scope="module", autouse=True)
def session(clouds):
    """A session that the jobs find, as on a cluster, whose workers are led to the clouds as this process is.

    Java may be that of an earlier session, whose environment its workers would have.
    """
    from trade_ingest.engine.spark_session import open_session

    own = {f"spark.executorEnv.{name}": value for name, value in clouds.environment.items()}
    session, is_ours = open_session("local[2]", {"spark.ui.enabled": "false", **own})
    assert is_ours
    yield session
    session.stop()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_submitted_job_loads_its_files(desk, case):
    source = desk.put(case.store, {"a.csv": lines(1, 300), "b.csv": lines(301, 400)})
    done = desk.submit(*case.arguments(desk), "--", source, "--contract", "fill.yaml", "--max-connections", "8")

    assert (done.code, done.outcome and done.outcome["phase"]) == (0, "succeeded"), done.err
    assert desk.rows() == list(range(1, 401))
    expected_engine = "local" if case.name in {"kubernetes", "databricks-serverless"} else "spark"
    ((run_id, state, engine),) = desk.query("SELECT run_id, state, engine FROM ingest.run")
    assert (state, engine) == ("succeeded", expected_engine)
    told = done.outcome["run"]
    assert (told["run_id"], told["files_loaded"], told["rows_loaded"]) == (run_id, 2, 400)
    assert desk.database not in done.out + done.err
    assert desk.database not in str(getattr(desk.clouds, case.service).jobs.last.document)
