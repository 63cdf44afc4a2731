"""Runs DAGs with Airflow, in Airflow's environment: a request a line on stdin, its answer a line on stdout.

A request has ``dag_id``, ``conf``, ``environment`` and either ``logical_date``, for ``dag.test()``, or ``from_date``
and ``to_date``, for a backfill. The answer has for each DAG run its state, its data interval, its task instances with
their tries and links, its XComs and its asset events.
"""

import json
import os
import sys
from datetime import datetime

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what Airflow prints is log

from airflow.dag_processing.bundles.manager import DagBundlesManager  # noqa: E402
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db  # noqa: E402
from airflow.models.asset import AssetEvent  # noqa: E402
from airflow.models.backfill import ReprocessBehavior, _create_backfill  # noqa: E402
from airflow.models.dagrun import DagRun  # noqa: E402
from airflow.models.xcom import XComModel  # noqa: E402
from airflow.sdk.definitions.dag import _run_task  # noqa: E402
from airflow.serialization.serialized_objects import DagSerialization  # noqa: E402
from airflow.utils.session import create_session  # noqa: E402
from sqlalchemy import select  # noqa: E402

ENVIRONMENT = dict(os.environ)


def links(dag, tasks):
    """The links of task instances as Airflow's API gives them."""
    known = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)).task_dict
    return [
        [task.task_id, task.map_index, name, known[task.task_id].get_extra_links(task, name)]
        for task in tasks
        for name in known[task.task_id].extra_links
    ]


def answer(dag, run_id):
    with create_session() as session:
        run = session.scalars(select(DagRun).where(DagRun.run_id == run_id)).one()
        xcoms = session.scalars(select(XComModel).where(XComModel.run_id == run_id))
        events = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == run_id))
        tasks = run.get_task_instances(session=session)
        found = {
            "state": run.state,
            "interval": [run.data_interval_start, run.data_interval_end],
            "tasks": [[task.task_id, task.map_index, task.state, task.try_number] for task in tasks],
            "xcoms": [[xcom.task_id, xcom.map_index, xcom.key, xcom.value] for xcom in xcoms],
            "events": [[event.asset.name, event.asset.uri, event.extra] for event in events],
        }
    return found | {"links": links(dag, tasks)}  # which open and close a session themselves


def test_runs(dag, request):
    """As ``airflow dags test`` does."""
    logical_date = request["logical_date"] and datetime.fromisoformat(request["logical_date"])
    return [dag.test(logical_date=logical_date, run_conf=request["conf"]).run_id]


def backfill_runs(dag, request):
    """Create the runs as ``airflow backfill create`` does, and execute their tasks here instead of by a scheduler."""
    _create_backfill(
        dag_id=dag.dag_id,
        from_date=datetime.fromisoformat(request["from_date"]),
        to_date=datetime.fromisoformat(request["to_date"]),
        max_active_runs=1,
        reverse=False,
        triggering_user_name=None,
        dag_run_conf=request["conf"],
        reprocess_behavior=ReprocessBehavior.NONE,
    )
    with create_session() as session:
        runs = session.scalars(select(DagRun).where(DagRun.run_type == "backfill", DagRun.state == "queued")).all()
        for run in sorted(runs, key=lambda run: run.logical_date):
            execute(dag, run, session)
        return [run.run_id for run in runs]


def execute(dag, run, session):
    run.dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    run.state = "running"
    while run.state == "running":
        ready, _ = run.update_state(session=session)
        for instance in ready:
            instance.try_number += 1
            instance.state = "scheduled"
        session.commit()
        for instance in ready:
            _run_task(ti=instance, task=dag.task_dict[instance.task_id])
        session.expire_all()


def reset_params(dag, defaults):
    """Take back what the last request has chosen, which Airflow keeps; elsewhere each task has a process of its own."""
    for params in (dag.params, *(task.params for task in dag.tasks)):
        for name in params:
            params.get_param(name).value = defaults[name]


def run(bag, request):
    os.environ.clear()
    os.environ.update(ENVIRONMENT | request["environment"])
    dag = bag.dags[request["dag_id"]]
    reset_params(dag, request["defaults"])
    runs = test_runs(dag, request) if "logical_date" in request else backfill_runs(dag, request)
    return [answer(dag, run_id) for run_id in runs]


def leave_fields(operator, context):  # Airflow names its argument
    """Stands for ``execute`` of operators that submit to a cloud: what they would submit, rendered."""
    return {name: getattr(operator, name) for name in operator.template_fields}


def main():
    folder = os.environ["AIRFLOW__CORE__DAGS_FOLDER"]
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
    for dag in bag.dags.values():
        submit = type(dag.task_dict.get("submit"))
        if submit.__module__.startswith("airflow.providers.") and "standard" not in submit.__module__:
            submit.execute = leave_fields
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)
    print(json.dumps({"dags": sorted(bag.dags), "errors": bag.import_errors}), file=answers, flush=True)
    defaults = {name: dag.params.dump() for name, dag in bag.dags.items()}
    for line in sys.stdin:
        request = json.loads(line)
        found = run(bag, request | {"defaults": defaults[request["dag_id"]]})
        print(json.dumps(found, default=str), file=answers, flush=True)


main()
