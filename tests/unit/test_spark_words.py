"""What Spark says, and how many slots it has: without Spark."""

from types import SimpleNamespace

import pytest

from trade_ingest.engine.spark import SparkEngine
from trade_ingest.engine.spark_session import reason_in

PYTHON = """An error occurred while calling o54.collectToPython.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 1.0 failed 1 times
Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:3000)
Caused by: org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "worker.py", line 1, in main
trade_ingest.errors.EngineError: the disk is full

\tat org.apache.spark.api.python.BasePythonRunner.handle(PythonRunner.scala:1)
"""

IN_JAVA = """An error occurred while calling None.org.apache.spark.api.java.JavaSparkContext.
: org.apache.spark.SparkException: Asked to run locally with 0 threads
\tat org.apache.spark.SparkContext.createTaskScheduler(SparkContext.scala:1)
"""


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", ""),
        ("no room\nat x", "no room"),
        (PYTHON, "the disk is full"),
        (PYTHON.partition("Caused by")[0], "Job aborted due to stage failure: Task 0 in stage 1.0 failed 1 times"),
        (IN_JAVA, "Asked to run locally with 0 threads"),
        ("x failed\nCaused by: java.io.IOException: no\nCaused by: java.net.ConnectException: refused", "refused"),
        ("x failed\nCaused by: java.io.IOException: lost\nCaused by: java.io.EOFException", "lost"),
    ],
)
def test_reason_is_the_innermost_that_is_told(said, reason):
    assert reason_in(said) == reason


def engine_of(settings, parallelism=None):
    """An engine on a session with two slots, and the session's context."""
    context = SimpleNamespace(defaultParallelism=2)
    conf = SimpleNamespace(get=lambda name, default=None: settings.get(name, default))
    session = SimpleNamespace(conf=conf, sparkContext=context)
    return context, SparkEngine(session, "postgresql://", parallelism)


def test_executors_that_join_later_are_used():
    context, engine = engine_of({"spark.master": "spark://here:7077"})
    assert engine.widen() == 2

    context.defaultParallelism = 16
    assert engine.widen() == 16
    context.defaultParallelism = 8  # some have gone; their loads go back to the queue
    assert engine.widen() == 16


def test_number_that_was_given_and_the_limit_of_connections_hold():
    context, given = engine_of({}, parallelism=3)
    context.defaultParallelism = 16
    assert given.widen() == 3

    context, limited = engine_of({})
    limited.limit_loads(5)
    context.defaultParallelism = 16
    assert limited.widen() * limited.files_at_once <= 5


@pytest.mark.parametrize(("most", "slots"), [("5", 20), ("2147483647", 2), ("", 2)])
def test_executors_that_spark_may_ask_for_count(most, slots):
    conf = {
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.maxExecutors": most,
        "spark.executor.cores": "4",
    }
    assert engine_of(conf)[1].parallelism == slots


def test_java_that_is_gone_leaves_it_to_the_loads_to_tell():
    _, engine = engine_of({})
    engine._session.sparkContext = None
    assert engine.widen() == 2
