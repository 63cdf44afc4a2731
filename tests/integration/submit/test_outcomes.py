"""What comes of a job reaches the caller: exit codes of the run, of the platform, and what is said on the way."""

import json

import pytest

from clouds.cases import CASES
from clouds.desk import lines
from clouds.jobs import CANCELLED, FAILED
from trade_ingest.cli.job import run_job

BY_NAME = {case.name: case for case in CASES}
BAD = b"trade_id,price,executed_at\n" + b"x,y,z\n" * 20


@pytest.fixture
def submitted(desk):
    """Submits a job for files, and waits for it."""

    def submit(name, files, *options, source=None):
        case = BY_NAME[name]
        source = source or desk.put(case.store, files)
        return desk.submit(*case.arguments(desk), "--", source, "--engine", "local", *options)

    return submit


@pytest.mark.parametrize("name", list(BY_NAME))
def test_failed_file_is_exit_code_1(submitted, desk, name):
    done = submitted(name, {"a.csv": lines(1, 5), "b.csv": BAD}, "--contract", "fill.yaml")

    assert (done.code, done.outcome["phase"], done.outcome["exit_code"]) == (1, "failed", 1)
    assert (done.outcome["run"]["files_loaded"], done.outcome["run"]["files_failed"]) == (1, 1)
    assert desk.rows() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", list(BY_NAME))
def test_cancelled_and_dead_jobs_are_told_apart(desk, name):
    case = BY_NAME[name]
    jobs = getattr(desk.clouds, case.service).jobs
    seen = {}
    for state in (CANCELLED, FAILED):
        if state == CANCELLED and case.service == "kubernetes":
            continue  # a Job that is deleted is no more, and cannot be asked
        jobs.keeps = state
        done = desk.submit(*case.arguments(desk), "--", "s3://deliveries/fx/")
        seen[done.outcome["phase"]] = done.code

    assert seen == ({} if case.service == "kubernetes" else {"cancelled": 130}) | {"failed": 1}


def test_error_of_the_run_is_said_with_its_code(submitted, desk):
    done = submitted("emr-serverless", {}, source=f"{desk.bucket('s3')}/none/")

    assert (done.code, done.outcome["phase"]) == (2, "failed")
    assert done.outcome["error"]["code"] == "source.not_found"
    assert "error[source.not_found]" in done.err


def test_database_that_is_away_is_a_passing_fault(submitted, desk):
    desk.database = "postgresql://nobody@127.0.0.1:9/none"

    done = submitted("emr-serverless", {"a.csv": lines(1, 2)}, "--contract", "fill.yaml")

    assert (done.code, done.outcome["error"]["code"]) == (3, "database.unavailable")


def test_secret_that_the_job_cannot_read_is_said(desk):
    case = BY_NAME["emr-serverless"]
    arguments = case.arguments(desk)
    arguments[arguments.index("--database-secret") + 1] = "aws-secretsmanager:none"

    done = desk.submit(*arguments, "--", "s3://deliveries/fx/")

    assert (done.code, done.outcome["error"]["code"]) == (2, "platform.refused")


def test_pod_without_a_bucket_gives_its_exit_code(desk):
    case = BY_NAME["kubernetes"]
    arguments = case.arguments(desk)
    del arguments[1:3]
    secret = arguments[arguments.index("--database-secret") + 1]

    done = desk.submit(*arguments, "--", f"{desk.bucket('s3')}/none/")

    assert secret.startswith("file:")
    assert (done.code, done.outcome["run"], done.outcome["error"]) == (2, None, None)


def test_job_that_is_not_waited_for_is_left_alone(desk):
    case = BY_NAME["dataproc-serverless"]
    desk.clouds.google.jobs.keeps = "running"

    done = desk.submit(*case.arguments(desk, wait=False), "--", "gs://deliveries/fx/")

    assert (done.code, done.outcome["phase"]) == (0, "running")
    assert done.outcome["job_id"] in done.err
    assert done.outcome["log"] in done.err


def test_artefacts_are_uploaded_once(desk):
    case = BY_NAME["synapse"]
    arguments = case.arguments(desk)
    desk.clouds.azure.jobs.keeps = "succeeded"
    store = desk.clouds.stores["abfss"]
    prefix = arguments[2].removeprefix(f"{store.root}/")

    first = desk.submit(*arguments, "--", "s3://deliveries/fx/", "--contract", "fill.yaml")
    keys = store.keys(prefix)
    second = desk.submit(*arguments, "--", "s3://deliveries/fx/", "--contract", "fill.yaml")

    assert (first.code, second.code) == (0, 0), first.err
    assert sorted(key.rpartition("/")[2] for key in keys) == [
        "fill.yaml",
        "ingest_job.py",
        "trade-ingest-packages.tar.gz",
    ]
    assert store.keys(prefix) == keys


def test_dry_run_uploads_and_submits_nothing(desk):
    case = BY_NAME["emr-ec2"]
    arguments = case.arguments(desk)
    prefix = arguments[2].removeprefix(f"{desk.clouds.stores['s3'].root}/")

    code, out, _ = desk.call("submit", *arguments, "--dry-run", "--", "s3://deliveries/fx/", "--contract", "fill.yaml")

    printed = json.loads(out)
    assert code == 0
    assert printed["schema"] == "trade-ingest.job/1"
    assert [found["kind"] for found in printed["uploads"]] == ["entry_point", "packages", "contract"]
    assert printed["job"]["Steps"][0]["HadoopJarStep"]["Args"][-2:] == ["--outcome", printed["outcome"]]
    assert desk.clouds.stores["s3"].keys(prefix) == []
    assert desk.clouds.aws.jobs.all == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("s3://deliveries/", "--max-connectoins", "4"), "no such option --max-connectoins"),
        (("s3://deliveries/", "--contract", "none.yaml"), "no contract file none.yaml"),
        (("trades/",), "is a path of this machine"),
        ((), "no source is given"),
    ],
)
def test_wrong_arguments_are_found_here(desk, arguments, said):
    code, _, err = desk.call("submit", *BY_NAME["emr-ec2"].arguments(desk), "--", *arguments)

    assert code == 2
    assert said in err


def test_platform_that_refuses_says_why(desk):
    arguments = BY_NAME["emr-serverless"].arguments(desk)
    arguments[arguments.index("--application-id") + 1] = "00fnone"

    code, _, err = desk.call("submit", *arguments, "--", "s3://deliveries/fx/")

    assert code == 2
    assert "error[platform.refused]: EMR Serverless: refused: " in err


def test_credentials_of_stores_come_from_a_secret(desk, monkeypatch):
    source = desk.put("abfss", {"a.csv": lines(1, 3)})
    store = desk.clouds.stores["abfss"]
    key = store.environment["AZURE_STORAGE_ACCOUNT_KEY"]
    connection = {
        "match": f"{store.root}/",
        "account_key": key,
        "endpoint": store.environment["AZURE_STORAGE_ENDPOINT"],
    }
    (desk.folder / "connections").write_text(json.dumps({"desk": connection}))
    (desk.folder / "database").write_text(desk.database)
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_KEY")
    store.put("jobs/contract.yaml", (desk.folder / "fill.yaml").read_bytes())

    code = run_job(
        [
            source,
            *("--contract", f"{store.root}/jobs/contract.yaml", "--engine", "local"),
            *("--database-secret", f"file:{desk.folder / 'database'}"),
            *("--connections-secret", f"file:{desk.folder / 'connections'}"),
            *("--outcome", f"{store.root}/jobs/outcome.json"),
        ]
    )

    assert code == 0
    assert desk.rows() == [1, 2, 3]
    outcome = store.get("jobs/outcome.json").decode()
    assert json.loads(outcome)["exit_code"] == 0
    assert key not in outcome


def test_bucket_is_reached_by_a_connection_of_the_settings(desk, monkeypatch):
    store = desk.clouds.stores["abfss"]
    key = store.environment["AZURE_STORAGE_ACCOUNT_KEY"]
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_KEY")
    (desk.folder / "trade-ingest.toml").write_text(
        f'[connections.desk]\nmatch = "{store.root}/"\naccount_key = "{key}"\n'
        f'endpoint = "{store.environment["AZURE_STORAGE_ENDPOINT"]}"\n'
    )
    desk.clouds.azure.jobs.keeps = "succeeded"

    done = desk.submit(*BY_NAME["synapse"].arguments(desk), "--", "s3://deliveries/fx/")

    assert done.code == 0, done.err
    assert key not in done.out + done.err
