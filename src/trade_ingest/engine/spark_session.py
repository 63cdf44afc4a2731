"""A Spark session for loads: the active one, or a new one with what loads need."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from trade_ingest.engine.java import java_home, without_modules
from trade_ingest.engine.java_archive import JAVA_OPTIONS, archive_options
from trade_ingest.errors import EngineError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

_LOGGING = Path(__file__).with_name("log4j2.properties")

_QUICK_START = f"{JAVA_OPTIONS} -XX:TieredStopAtLevel=1 -Xlog:disable -Xlog:all=error:stderr"
"""The driver only schedules: a small Java that starts quickly will do, without its remarks on modules."""

_STARTED_BY = ("PYSPARK_GATEWAY_PORT", "DATABRICKS_RUNTIME_VERSION")
"""Variables of a process that Spark has started, which knows where it runs."""

_MASTER = re.compile(r"local|local\[.+\]|local-cluster\[.+\]|yarn|(spark|k8s|mesos|sc)://.+")

_PYTHON_ERROR = re.compile(r"(?!java\.|org\.)[\w.]*(?:Error|Exception|Exit)\b: ")
_JAVA_CLASS = re.compile(r"^:?\s*(?:[a-z]\w*\.)+[A-Z][\w$]*(?:: |$)")

_DAEMON = "trade_ingest.engine.spark_daemon"

_OF_PYTHON = ("spark.executorEnv.", "spark.python.", "spark.pyspark.", "spark.sql.execution.pyspark.")
"""Settings that give the tasks another Python than that of the driver, or other packages."""

_stopping: list[threading.Thread] = []


def is_spark_configured(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is meant to work with Spark: by its environment, or as a session is active in it."""
    names = ("SPARK_MASTER", "SPARK_REMOTE", "PYSPARK_GATEWAY_PORT", "DATABRICKS_RUNTIME_VERSION")
    return any(environment.get(name) for name in names) or active_session() is not None


def active_session() -> SparkSession | None:
    """The session of this process, whichever thread has started it; imports nothing to find out."""
    if "pyspark.sql" not in sys.modules:
        return None
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    try:
        return SparkSession.active()
    except PySparkException:  # there is none
        return None


def open_session(master: str | None = None, conf: Mapping[str, str] | None = None) -> tuple[SparkSession, bool]:
    """The active session, or a new one.

    Args:
        master: where Spark runs: ``local[*]``, ``spark://host:7077``, ``yarn`` … or ``sc://host:15002`` for Spark
            Connect; None: as ``spark-submit`` or Databricks has started this process, ``SPARK_REMOTE``,
            ``SPARK_MASTER``, else ``local[*]``.
        conf: Spark settings.

    Returns:
        The session, and whether it is new and so to be stopped by the caller.

    Raises:
        EngineError: pyspark or a fitting Java is missing, or Spark does not start.
    """
    _require_pyspark()
    while _stopping:
        _stopping.pop().join()
    if (session := active_session()) is not None:
        if master or conf:
            logger.warning("a Spark session is active and is used as it is, without the given master and settings")
        return session, False
    address = master or os.environ.get("SPARK_REMOTE") or os.environ.get("SPARK_MASTER") or "local[*]"
    if not _MASTER.fullmatch(address):
        hint = (
            "expected local[*], spark://host:7077, yarn, k8s://https://host:443 or, for Spark Connect, sc://host:15002"
        )
        raise EngineError(f"{address!r} is no master of Spark", hint=hint)
    try:
        if master is None and any(os.environ.get(name) for name in _STARTED_BY):
            return _launched_session(conf or {}), not os.environ.get("DATABRICKS_RUNTIME_VERSION")
        start = _connect if address.startswith("sc://") else start_session
        return start(address, conf or {}), True
    except EngineError:
        raise
    except Exception as exc:
        message = f"Spark does not start on {address}: {reason_in(str(exc)) or type(exc).__name__}"
        hint = "check --master and --conf; --log-level info shows Spark's own log"
        if isinstance(exc, ImportError):
            hint = "Spark Connect needs further packages: pip install 'pyspark[connect]', in the version of the server"
        raise EngineError(message, hint=hint) from exc


def is_classic(session: SparkSession) -> bool:
    """Whether Spark's driver is in this process, and not behind Spark Connect."""
    return ".connect." not in type(session).__module__


def is_on_one_machine(session: SparkSession) -> bool:
    """Whether the executors are on the driver's machine: ``local[*]``."""
    return (session.conf.get("spark.master", "") or "").startswith("local")


def runs_this_python(session: SparkSession, conf: Mapping[str, str]) -> bool:
    """Whether the tasks of a new session with these settings should have, and reach, what this process does."""
    is_ours = is_on_one_machine(session) and session.conf.get("spark.python.daemon.module", "") == _DAEMON
    return is_ours and not any(name.startswith(_OF_PYTHON) for name in conf)


def is_stopped(session: SparkSession) -> bool:
    """Whether a session has been stopped."""
    if is_classic(session):
        return session.sparkContext._jsc is None  # noqa: SLF001  # it has no public name
    return bool(getattr(session, "is_stopped", False))


def stop_session(session: SparkSession) -> None:
    """Stop a session that ``open_session`` has started.

    Spark stops in a tenth of a second, but pyspark then waits for a thread of its own that looks once a second
    whether it is to end. That is left to the background; the next ``open_session`` waits for it.
    """
    thread = threading.Thread(target=session.stop, daemon=True)
    thread.start()
    _stopping.append(thread)


def _launched_session(conf: Mapping[str, str]) -> SparkSession:
    """The session of a process that ``spark-submit`` has started: naming a master would leave its cluster."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for name, value in conf.items():
        builder = builder.config(name, value)
    with _signal_handler():
        return builder.getOrCreate()


def _connect(address: str, conf: Mapping[str, str]) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.remote(address)
    for name, value in conf.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def spark_installation() -> tuple[Path, Path, str]:
    """The folder of the Java that Spark runs on here, Spark's own folder, and its version.

    Raises:
        EngineError: pyspark or a fitting Java is missing.
    """
    _require_pyspark()
    import pyspark
    from pyspark.find_spark_home import _find_spark_home

    return Path(java_home(pyspark.__version__)), Path(_find_spark_home()), pyspark.__version__


def _require_pyspark() -> None:
    if find_spec("pyspark") is None:
        raise EngineError("engine spark needs pyspark", hint="pip install 'trade-ingest[spark]', or use --engine local")


def start_session(master: str, conf: Mapping[str, str], *, archive: str | None = None) -> SparkSession:
    """A new classic session.

    Args:
        master: where Spark runs.
        conf: Spark settings.
        archive: the options of Java for an archive of classes; None: those of the one that is there.
    """
    from pyspark.sql import SparkSession

    java, spark_home, version = spark_installation()
    archive = archive_options(java, spark_home, version) if archive is None else archive
    level = "info" if logger.isEnabledFor(logging.INFO) else "error"
    environment = {
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LAUNCHER_OPTS": _QUICK_START,
        **os.environ,
        "JAVA_HOME": without_modules(java),
    }
    logging_options = f"-Dlog4j2.configurationFile=file:{_LOGGING} -Dtrade_ingest.level={level}"
    settings = {
        "spark.app.name": "trade-ingest",
        "spark.ui.showConsoleProgress": "false",
        # a job has one row: to generate, compile and load code for it takes half a second
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": f"{_QUICK_START} {archive} {logging_options}",
    }
    if master.startswith("local"):
        environment.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        settings["spark.driver.bindAddress"] = "127.0.0.1"
        if environment["PYSPARK_PYTHON"] == sys.executable:  # another Python may be without this package
            settings["spark.python.daemon.module"] = _DAEMON
    builder = SparkSession.builder.master(master)
    for name, value in (settings | dict(conf)).items():
        builder = builder.config(name, value)
    with _environment(environment), _signal_handler():
        return builder.getOrCreate()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the processes that are started within the block."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _signal_handler() -> Iterator[None]:
    """Keep the process's own answer to Ctrl-C, which Spark replaces by one that cancels all jobs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def reason_in(said: str) -> str:
    """The line that says why, of what Spark or Java says of an error; empty if it says nothing.

    That is the exception of a Python worker, else the innermost cause of an exception in Java, else the first line.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if lines and lines[0].startswith("An error occurred while calling"):  # py4j's, before Java's own
        lines = lines[1:] or lines
    in_python = [line for line in lines if _PYTHON_ERROR.match(line)]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    for line in (*in_python[-1:], *causes[::-1], *lines[:1]):
        if text := _JAVA_CLASS.sub("", line).removesuffix("Traceback (most recent call last):").strip(" :"):
            return text
    return ""
