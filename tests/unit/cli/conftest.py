"""The program, called in this process, in an empty folder and with no settings from outside."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from trade_ingest.cli.main import main


@dataclass(frozen=True, slots=True)
class Done:
    """What a call of the program gave."""

    code: int
    out: str
    err: str


@pytest.fixture
def program(tmp_path, monkeypatch, capsys) -> Callable[..., Done]:
    """Call it: ``program("plan", "x.csv")``."""
    for name in os.environ:
        if name.startswith("TRADE_INGEST_") or name in {"NO_COLOR", "CLICOLOR_FORCE"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Done(code, *capsys.readouterr())

    return call
