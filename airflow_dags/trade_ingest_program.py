"""Calls the program ``trade-ingest`` and says what its exit codes mean to Airflow; knows nothing of trades.

The program runs in an environment of its own, as its dependencies and Airflow's clash: a process, JSON on its stdout,
progress and errors on its stderr, which go to the task's log. ``TRADE_INGEST_COMMAND`` is how it is called, with
arguments if need be, as ``docker run -i --rm … trade-ingest``; by default ``trade-ingest`` is looked for on PATH.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import subprocess
import tempfile
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

logger = logging.getLogger(__name__)

EXIT_RETRYABLE, EXIT_NOTHING_TO_DO = 3, 5
EXIT_KILLED = 128
"""And more: a shell or a container says so that a signal ended the program."""

_STOP_SECONDS = 30
"""How long files in flight may take to end when the task is stopped; then the program is killed, which is safe, too."""

_SHOWN_FAILURES = 5
_KEPT_LINES = 50


class PassingFaultError(AirflowException):
    """The program met a fault that may pass, or was stopped from outside: a retry may succeed."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a call gave.

    Attributes:
        code: the exit code; negative: the signal that killed it.
        document: the JSON object that it printed; empty if none.
        error: its last error and hint.
    """

    code: int
    document: Mapping[str, Any]
    error: str

    def checked(self, *, skipped: str = "") -> Mapping[str, Any]:
        """The document of a call that went well.

        Args:
            skipped: the code of an error that means that there is nothing to do.

        Raises:
            AirflowSkipException: there was nothing to do.
            PassingFaultError: trying again may help; Airflow does so as often as the task's ``retries`` says.
            AirflowFailException: trying again does not help.
        """
        if self.code == 0:
            return self.document
        if self.code == EXIT_NOTHING_TO_DO or (skipped and self.error.startswith(f"error[{skipped}]")):
            raise AirflowSkipException(self.error or "nothing to load")
        if self.code == EXIT_RETRYABLE or not 0 <= self.code < EXIT_KILLED:
            raise PassingFaultError(self.message)
        raise AirflowFailException(self.message)

    @property
    def message(self) -> str:
        """What went wrong, in the program's words."""
        failed = [(file["error"] or {}).get("message", file["uri"]) for file in self.document.get("failed", [])]
        if len(failed) > _SHOWN_FAILURES:
            failed[_SHOWN_FAILURES:] = [f"and {len(failed) - _SHOWN_FAILURES} more"]
        return "; ".join([f"exit code {self.code}", *failed, *filter(None, [self.error])])


def call_program(*arguments: str, names: str = "", variables: Mapping[str, str] | None = None) -> Done:
    """Call the program, and wait for its end.

    When the task is stopped or its time is over, the program is stopped as by Ctrl-C: files in flight are finished or
    rolled back, and the ledger stays consistent.

    Args:
        arguments: command and options; ``-o json`` makes it print a document.
        names: what it reads on stdin.
        variables: of its environment, beside those of the task; the place for what is secret.

    Raises:
        AirflowFailException: there is no such program.
    """
    command = [*shlex.split(os.environ.get("TRADE_INGEST_COMMAND", "trade-ingest")), *arguments]
    logger.info("calling %s", shlex.join(command))
    last_lines: deque[str] = deque(maxlen=_KEPT_LINES)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as stdin, tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        stdin.write(names)
        stdin.seek(0)
        try:
            process = subprocess.Popen(  # the command is the administrator's
                command,
                stdin=stdin,
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env={**os.environ, **(variables or {})},
            )
        except FileNotFoundError as exc:
            raise AirflowFailException(
                f"there is no program {exc.filename}: put trade-ingest on PATH, or set TRADE_INGEST_COMMAND"
            ) from None
        with process:
            try:
                assert process.stderr is not None
                for line in process.stderr:
                    logger.info("%s", line.rstrip())
                    last_lines.append(line.rstrip())
                process.wait()
            except BaseException:
                _stop(process)
                raise
        out.seek(0)
        text = out.read()
    return Done(process.returncode, json.loads(text) if text.startswith("{") else {}, _last_error(last_lines))


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _last_error(lines: deque[str]) -> str:
    """The lines from the last ``error[code]: …`` on."""
    found = list(lines)
    starts = [number for number, line in enumerate(found) if line.startswith("error[")]
    return "\n".join(found[starts[-1] :]) if starts else ""
