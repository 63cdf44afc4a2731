"""The question before something is taken away."""

from __future__ import annotations

import sys

import click


def confirm(question: str, *, yes: bool) -> bool:
    """Whether to go on: ``yes``, or the answer on a terminal.

    Raises:
        UsageError: nobody can be asked.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        from trade_ingest.errors import UsageError

        message = "no terminal to ask for a confirmation on"
        raise UsageError(message, hint="--yes goes on without asking, --preview only shows what would happen")
    return click.confirm(question, err=True)
