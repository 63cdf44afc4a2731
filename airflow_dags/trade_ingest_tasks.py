"""The tasks that the DAGs are made of: each calls the program once and shows the result.

What can be set, in the environment of Airflow's processes (docs/how-to/airflow.md):
``TRADE_INGEST_AIRFLOW_SOURCE``, ``…_SCHEDULE``, ``…_POOL``, ``…_MAX_LOADS``, ``…_RETRIES``, ``…_RETRY_SECONDS``,
``…_DASHBOARD``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    AssetAlias,
    BaseNotifier,
    BaseOperatorLink,
    BaseXCom,
    Connection,
    Context,
    CronDataIntervalTimetable,
    Param,
    TriggerRule,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowSkipException
from trade_ingest_program import Done, call_program

logger = logging.getLogger(__name__)

_ENVIRONMENT = {
    name.removeprefix("TRADE_INGEST_AIRFLOW_"): value
    for name, value in os.environ.items()
    if name.startswith("TRADE_INGEST_AIRFLOW_") and value
}
_COUNTERS = ("files_loaded", "files_skipped", "rows_read", "rows_loaded", "rows_duplicate", "rows_rejected")
_NO_OPTION = "^[^-]"
_SMALLEST = timedelta(microseconds=1)

TARGETS = AssetAlias("trade_ingest_targets")
"""Stands for the tables that are loaded; which one, the contract of each run says."""


def target_asset(target: str) -> Asset:
    """The asset of a table ``schema.table``: what other DAGs are scheduled by."""
    return Asset(name=target, uri=f"x-trade-ingest://target/{target.replace('.', '/')}")


class FailureNotifier(BaseNotifier):
    """Tells of a failed task where ``TRADE_INGEST_NOTIFY`` says, through the program's own ``notify``."""

    template_fields = ()

    def notify(self, context: Context) -> None:
        """Send it; that it could not be sent is logged, and changes nothing else."""
        instance = context["task_instance"]
        title = f"{instance.dag_id} failed in {instance.task_id}"
        told = call_program("notify", title, f"{context.get('exception')}\n{instance.dag_id}, run {instance.run_id}")
        if told.code:
            logger.warning("nobody was notified: %s", told.error)


class DashboardLink(BaseOperatorLink):
    """Leads from a task of ``load`` to its run on the dashboard."""

    name = "Run on the dashboard"
    xcom_key = "dashboard_link"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ANN401, ARG002  # Airflow's signature
        """The address that the task has left."""
        return BaseXCom.get_value(ti_key=ti_key, key=self.xcom_key) or ""

    @classmethod
    def leave(cls, document: Mapping[str, Any]) -> None:
        """Leave the address of a run that a document tells of, if it is known where the dashboard is."""
        dashboard, run_id = _ENVIRONMENT.get("DASHBOARD"), document.get("run_id")
        if dashboard and run_id:
            get_current_context()["ti"].xcom_push(cls.xcom_key, f"{dashboard.rstrip('/')}/runs/{run_id}")


PARAMS = {
    "source": Param(
        _ENVIRONMENT.get("SOURCE"),
        type=["null", "string"],
        pattern=_NO_OPTION,
        description="Folder, glob or URI. With {date:%Y/%m/%d} in it, only the files of the run's data interval."
        " Empty: TRADE_INGEST_SOURCE.",
    ),
    "contract": Param(
        None,
        type=["null", "string"],
        pattern=_NO_OPTION,
        description="Name or YAML file of the contract. Empty: TRADE_INGEST_CONTRACT.",
    ),
    "from": Param(None, type=["null", "string"], format="date", description="First day, instead of the interval's."),
    "to": Param(None, type=["null", "string"], format="date", description="Last day, instead of the interval's."),
    "on_missing": Param(
        "fail", enum=["fail", "skip"], description="A source that matches no file: on days without deliveries, skip."
    ),
    "database": Param(
        None,
        type=["null", "string"],
        description="Id of a connection of Airflow to PostgreSQL. Empty: TRADE_INGEST_DATABASE_URL.",
    ),
}
"""What may be chosen for each run."""

SCHEDULE = CronDataIntervalTimetable(_ENVIRONMENT.get("SCHEDULE", "0 0 * * *"), timezone="UTC")
"""Each run has the interval before it: with midnight, a day."""

DAG_ARGUMENTS: dict[str, Any] = {
    "start_date": datetime(2000, 1, 1, tzinfo=UTC),  # a backfill may go back so far
    "catchup": False,
    "max_active_runs": 3,
    "tags": ["trade-ingest"],
    "default_args": {
        "owner": "trade-ingest",
        "pool": _ENVIRONMENT.get("POOL", "default_pool"),
        "retries": int(_ENVIRONMENT.get("RETRIES", "3")),  # of passing faults only: others fail at once
        # said here, since mapped tasks do not take Airflow's own default, [core] default_task_retry_delay
        "retry_delay": timedelta(seconds=int(_ENVIRONMENT.get("RETRY_SECONDS", "60"))),
        "retry_exponential_backoff": 2,
        "max_retry_delay": timedelta(minutes=30),
        "on_failure_callback": [FailureNotifier()],
    },
}
"""What the DAGs share."""


@task(execution_timeout=timedelta(hours=1))
def plan() -> list[list[str]]:
    """The files to load, in groups, each for one task; skips the rest of the run if there are none."""
    params = get_current_context()["params"]
    found = find_work(*source(), *contract())
    to_load = [(file["uri"], file["size_bytes"]) for file in found["items"] if file["action"] == "load"]
    return list(_groups(to_load, most_files=params["group_files"], most_bytes=params["group_bytes"]))


@task(
    execution_timeout=timedelta(hours=6),
    max_active_tis_per_dag=int(_ENVIRONMENT.get("MAX_LOADS", "4")),
    map_index_template="{{ label }}",
)
def load(files: list[str]) -> dict[str, Any]:
    """Load a group of files; what is loaded already is not loaded again."""
    context = get_current_context()
    context["label"] = f"{files[0].rpartition('/')[2]} + {len(files) - 1}" if files[1:] else files[0].rpartition("/")[2]
    wanted = context["params"]["engine"]
    engine = ["--engine", wanted] if wanted else []
    done = call("run", "--files-from", "-", *engine, *contract(), names="\n".join(files))
    DashboardLink.leave(done.document)
    result = done.checked()
    return {"run_id": result["run_id"], "target": result["target"], **{name: result[name] for name in _COUNTERS}}


@task(execution_timeout=timedelta(hours=2), trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
def reconcile(loads: Sequence[Mapping[str, Any]] = (), target: str | None = None) -> dict[str, Any]:
    """Compare the ledger with the rows: of the files of these loads, or of all files of a target."""
    runs = [word for done in loads[:] for word in ("--run", str(done["run_id"]))]
    found = call("reconcile", *(["--target", target] if target else []), *runs).checked()
    return {"targets": found["targets"], "is_balanced": found["is_balanced"]}


@task(outlets=[TARGETS])
def publish(reconciled: Mapping[str, Any], loads: Sequence[Mapping[str, Any]] | None = None) -> None:
    """Say that a target has new rows, with how many: an event of its asset; none if nothing was loaded.

    Raises:
        AirflowSkipException: another run had loaded all the files.
    """
    context = get_current_context()
    extra: dict[str, Any] = {}
    if loads is not None:
        results = loads[:]  # of a mapped task one request for all, where a loop makes one for each
        extra = {name: sum(done[name] for done in results) for name in _COUNTERS}
        if not extra["files_loaded"]:
            raise AirflowSkipException("nothing was loaded")
        extra["run_ids"] = [done["run_id"] for done in results]
    for target in reconciled["targets"]:
        compared = {"files_reconciled": target["files"], "rows_reconciled": target["rows"]}
        context["outlet_events"][TARGETS].add(target_asset(target["target"]), extra=extra | compared)


def find_work(*wanted: str) -> Mapping[str, Any]:
    """The program's plan for a source and a contract.

    Raises:
        AirflowSkipException: there is nothing to load; or nothing is there, and the run's ``on_missing`` says ``skip``.
    """
    is_missing_fine = get_current_context()["params"]["on_missing"] == "skip"
    planned = call("plan", *wanted, "--fail-if-empty")
    return planned.checked(skipped="source.not_found" if is_missing_fine else "")


def source(default: str | None = None) -> list[str]:
    """The source with its dates, as the program takes them: those given, or the data interval of a dated source."""
    context = get_current_context()
    params = context["params"]
    wanted, start, end = params["source"] or default, params["from"], params["to"]
    interval = context.get("data_interval_start"), context.get("data_interval_end")
    if not (start or end) and wanted and "{date" in wanted and all(interval):
        # paths have dates without a zone: those of UTC, the schedule's zone; the end is not part of an interval
        start, end = (f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}" for at in (interval[0], interval[1] - _SMALLEST))
    dates = [*(["--from", start] if start else []), *(["--to", end] if end else [])]
    return [*([wanted] if wanted else []), *dates]


def contract() -> list[str]:
    """The contract, as the program takes it."""
    wanted = get_current_context()["params"]["contract"]
    return ["--contract", wanted] if wanted else []


def call(*arguments: str, names: str = "") -> Done:
    """Call the program for a document, with the database that the run has chosen."""
    connection = get_current_context()["params"]["database"]
    variables = {}
    if connection:  # not an argument: those are seen by all users of the machine
        uri = Connection.get(connection).get_uri()
        variables["TRADE_INGEST_DATABASE_URL"] = uri.replace("postgres://", "postgresql://", 1)
    return call_program(*arguments, "-o", "json", names=names, variables=variables)


def _groups(files: Iterable[tuple[str, int]], *, most_files: int, most_bytes: int) -> Iterator[list[str]]:
    """Files in their order, cut into groups of so many files and bytes; a larger file is a group by itself."""
    group: list[str] = []
    group_bytes = 0
    for uri, size_bytes in files:
        if group and (len(group) == most_files or group_bytes + size_bytes > most_bytes):
            yield group
            group, group_bytes = [], 0
        group.append(uri)
        group_bytes += size_bytes
    if group:
        yield group
