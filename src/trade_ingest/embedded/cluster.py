"""Make, start and stop one PostgreSQL cluster with the wheel's programs."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from trade_ingest.embedded.account import CLUSTER_FOLDERS, Account, account_of, claim_data_dir
from trade_ingest.embedded.paths import SOCKET_PORT, socket_dir
from trade_ingest.embedded.postmaster import Postmaster, recorded_pid, running_postmaster
from trade_ingest.embedded.programs import ProgramFailedError, Programs, find_programs
from trade_ingest.embedded.tuning import memory_bytes, render_settings
from trade_ingest.errors import EmbeddedDatabaseError

MAJOR = 18
DATABASE = "trade_ingest"
LOG_LIMIT_BYTES = 16 * 1024 * 1024
START_TIMEOUT_SECONDS = 300  # replaying 4 GB of log (max_wal_size) after a crash takes minutes on a slow disk
STOP_TIMEOUT_SECONDS = 120  # writing a full buffer cache out takes seconds to a minute
ORPHANS_TIMEOUT_SECONDS = 60
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Cluster:
    """One server's files and how it is configured; `settings` win over the built-in ones.

    ``data_dir`` holds the cluster itself, the server's log and, where a path to it is short enough, its socket.
    Several processes may use one cluster at once: what changes it happens under a lock on ``data_dir``.
    """

    data_dir: Path
    major: int = MAJOR
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.data_dir / CLUSTER_FOLDERS[0]

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.data_dir / "server.log"

    def running(self) -> Postmaster | None:
        """The running server, or None. Changes nothing; takes about a millisecond.

        Raises:
            EmbeddedDatabaseError: the cluster is of another major version, or belongs to someone else.
        """
        try:
            self._refuse_other_major()
            return running_postmaster(self.directory)
        except PermissionError as exc:
            account_of(self.data_dir)
            message = f"cannot read the data directory {self.data_dir}: {exc.strerror}"
            raise EmbeddedDatabaseError(message, hint="look at its permissions") from exc

    def start(self) -> Postmaster:
        """Start the server, make its files first where there are none, and return it when it is ready.

        Idempotent and safe to call from several processes at once. A cluster is made completely or not at all. After
        a crash the server recovers every acknowledged commit. The server outlives this process.

        Raises:
            EmbeddedDatabaseError: it cannot be made or started; the message has the server's own words.
        """
        running = self.running()
        if running:
            return running
        account = claim_data_dir(self.data_dir)
        try:
            with self._lock():
                return self.running() or self._make_and_launch(find_programs(self.major, account))
        except OSError as exc:
            message = f"cannot start the embedded PostgreSQL in {self.data_dir}: {exc}"
            raise EmbeddedDatabaseError(message, hint="look at the disk's free space and permissions") from exc

    def stop(self) -> bool:
        """Stop the server if it runs, and return whether it did; open transactions are rolled back.

        Raises:
            EmbeddedDatabaseError: it did not stop in time.
        """
        if not self.data_dir.is_dir():
            return False
        with self._lock():
            running = self.running()
            if running is None:
                return False
            os.kill(running.pid, signal.SIGINT)  # "fast": src/backend/postmaster/postmaster.c
            self._await_end(running)
            return True

    def _make_and_launch(self, programs: Programs) -> Postmaster:
        try:
            if not self.directory.is_dir():
                self._make(programs)
            settled = self._settle()
            if settled:
                return settled
            self._launch(programs)
        except ProgramFailedError as exc:
            message = f"the embedded PostgreSQL {self.major} in {self.data_dir} did not start: {exc}"
            raise EmbeddedDatabaseError(message, hint=f"the server's log is {self.log}") from exc
        running = self.running()
        if running is None:
            message = f"the embedded PostgreSQL {self.major} in {self.data_dir} started and ended again"
            raise EmbeddedDatabaseError(message, hint=f"the server's log is {self.log}")
        return running

    def _make(self, programs: Programs) -> None:
        fresh = self.data_dir / CLUSTER_FOLDERS[1]
        if fresh.exists():  # its maker was killed
            shutil.rmtree(fresh)
        arguments = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions", "--locale=C"]
        if self.major >= 17:  # noqa: PLR2004 (the first version with built-in locales: the same order on every system)
            arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        programs.run("initdb", *arguments, f"--pgdata={fresh}")
        # Before the first start, so that whoever sees a running server finds the database.
        create = f"CREATE DATABASE {DATABASE};\n"
        programs.run("postgres", "--single", "-c", "exit_on_error=on", "-D", str(fresh), "postgres", stdin=create)
        fresh.rename(self.directory)
        _sync(self.data_dir)

    def _launch(self, programs: Programs) -> None:
        sockets = socket_dir(self.data_dir, programs.account)
        # Left by a killed server of this cluster, the only one that uses the directory; see _settle.
        (sockets / f".s.PGSQL.{SOCKET_PORT}.lock").unlink(missing_ok=True)
        self._write_settings(programs.account, sockets)
        self._keep_log_short()
        deadline = time.monotonic() + ORPHANS_TIMEOUT_SECONDS
        while True:
            log_start = self.log.stat().st_size if self.log.exists() else 0
            try:
                self._run_pg_ctl(programs)
            except ProgramFailedError as exc:
                said = self._log_since(log_start)
                # Backends of a killed server end by themselves, each as soon as it notices.
                if "pre-existing shared memory block" not in said or time.monotonic() > deadline:
                    raise ProgramFailedError(said or str(exc)) from exc
                time.sleep(10 * _POLL_SECONDS)
            else:
                return

    def _run_pg_ctl(self, programs: Programs) -> None:
        arguments = ["--wait", "--silent", f"--timeout={START_TIMEOUT_SECONDS}"]
        arguments += [f"--pgdata={self.directory}", f"--log={self.log}"]
        programs.run("pg_ctl", "start", *arguments, timeout_seconds=START_TIMEOUT_SECONDS + 30)

    def _write_settings(self, account: Account, sockets: Path) -> None:
        text = render_settings(memory_bytes(), socket_dir=sockets, port=SOCKET_PORT, overrides=self.settings)
        fresh = self.directory / "postgresql.conf.new"
        fresh.unlink(missing_ok=True)
        with fresh.open("x", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            os.fchown(file.fileno(), account.uid, account.gid)
            file.write(text)
        fresh.replace(self.directory / "postgresql.conf")

    def _keep_log_short(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.old"))

    def _settle(self) -> Postmaster | None:
        """Wait while a server is starting or stopping without our lock; return it if it is ready in the end.

        Then remove a ``postmaster.pid`` that no server of this cluster wrote or that its server left behind.
        PostgreSQL does not start while the process number in it is in use by the same user, be it by another program
        after a reboot (usual in containers, whose numbers are small) or by a dead server that process 1 of a
        container does not reap. Its own check for surviving backends does not need the file.
        """
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while (pid := recorded_pid(self.directory)) is not None:
            running = self.running()
            if running:
                return running
            if not _serves(pid, self.directory):
                (self.directory / "postmaster.pid").unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                message = f"process {pid} has been starting or stopping for {START_TIMEOUT_SECONDS} s"
                raise ProgramFailedError(message)
            else:
                time.sleep(_POLL_SECONDS)
        return None

    def _await_end(self, postmaster: Postmaster) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while recorded_pid(self.directory) == postmaster.pid:  # the server removes the file as the last thing it does
            if time.monotonic() > deadline:
                message = f"the embedded PostgreSQL (process {postmaster.pid}) did not stop in {STOP_TIMEOUT_SECONDS} s"
                raise EmbeddedDatabaseError(message, hint=f"the server's log is {self.log}")
            time.sleep(_POLL_SECONDS)

    def _refuse_other_major(self) -> None:
        if (self.data_dir / "PG_VERSION").exists():
            message = f"{self.data_dir} is the data directory of another PostgreSQL server"
            raise EmbeddedDatabaseError(message, hint="choose an empty or new directory with TRADE_INGEST_DATA_DIR")
        version = self.directory / "PG_VERSION"
        found = version.read_text(encoding="ascii").strip() if version.exists() else str(self.major)
        if found != str(self.major):
            message = f"the data in {self.data_dir} was made by PostgreSQL {found}; this program brings {self.major}"
            hint = (
                f"move it with pg_upgrade or pg_dump of PostgreSQL {found} and {self.major}, "
                "or choose another directory with TRADE_INGEST_DATA_DIR"
            )
            raise EmbeddedDatabaseError(message, hint=hint)

    def _log_since(self, start: int) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(start)
            return file.read()[-4096:].decode(errors="replace").strip()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        # The directory itself is locked: no extra file, and it works where the parent directory is not writable.
        descriptor = os.open(self.data_dir, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing is not enough: a forked child may hold a copy
            os.close(descriptor)


def _serves(pid: int, directory: Path) -> bool:
    import psutil

    try:
        return str(directory) in " ".join(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
