"""What went wrong, as two lines on stderr and an exit code."""

from __future__ import annotations

import os
import sys
import traceback

import click

from trade_ingest.contract.suggestion import did_you_mean
from trade_ingest.errors import TradeIngestError, outcome_of

EXIT_INTERNAL, EXIT_USAGE, EXIT_INTERRUPTED, EXIT_BROKEN_PIPE = 1, 2, 130, 141


def report_failure(error: BaseException, *, is_debug: bool) -> int:
    """Say what went wrong on stderr, and return the exit code for it."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else EXIT_INTERNAL
    if isinstance(error, BrokenPipeError):
        forget_stdout()
        return EXIT_BROKEN_PIPE
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        _write(error.format_message())
        return EXIT_USAGE
    if is_debug:
        traceback.print_exception(error)
    code, message, hint, exit_code = _described(error, is_debug=is_debug)
    show_error(code, message, hint)
    return exit_code


def _described(error: BaseException, *, is_debug: bool) -> tuple[str, str, str, int]:
    """Code, message, hint and exit code."""
    if isinstance(error, TradeIngestError):
        return error.code, error.message, error.hint, outcome_of(error).exit_code
    if isinstance(error, click.ClickException):
        return "usage", *_usage_text(error), EXIT_USAGE
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return "run.interrupted", "interrupted", "", EXIT_INTERRUPTED
    if isinstance(error, OSError) and error.filename is not None:  # a path that was named cannot be used
        return (
            "usage",
            f"{error.filename}: {error.strerror}",
            "check that the folder is there, with the right to it",
            EXIT_USAGE,
        )
    hint = "this is a defect; please report it with the traceback above" if is_debug else "--debug shows the traceback"
    return "internal", f"unexpected {type(error).__name__}: {_first_line(error)}", hint, EXIT_INTERNAL


def show_error(code: str, message: str, hint: str) -> None:
    """Write ``error[code]: message`` and ``hint: …`` to stderr; further lines of the message are indented."""
    from trade_ingest.cli.display import styled

    first, *others = message.splitlines() or [""]
    if others:
        first, others = f"{len(others) + 1} problems", [first, *others]
    _write(f"{styled(f'error[{code}]', 'red', sys.stderr)}: {first}")
    for line in others:
        _write(f"  {line}")
    if hint:
        _write(f"{styled('hint', 'cyan', sys.stderr)}: {hint}")


def _usage_text(error: click.ClickException) -> tuple[str, str]:
    hint = getattr(error, "hint", "")
    message = error.format_message()
    ctx = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption):
        message = f"no such option {error.option_name}"
        hint = did_you_mean(error.option_name, error.possibilities or _option_names(ctx))
    if not hint and ctx is not None:
        hint = f"`{ctx.command_path} --help` shows the usage"
    message = message.rstrip(".")
    return message[:1].lower() + message[1:], hint


def _option_names(ctx: click.Context | None) -> list[str]:
    if ctx is None:
        return []
    return [name for parameter in ctx.command.params for name in parameter.opts if name.startswith("--")]


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or "no message").splitlines()[0]


def _write(line: str) -> None:
    try:
        print(line, file=sys.stderr)  # noqa: T201
    except OSError:
        return  # nobody listens any more


def forget_stdout() -> None:
    """Drop what has not been written to a stdout that nobody reads any more."""
    # what is left in the buffer would raise again when the interpreter ends
    try:
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
