import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "cli_tool" / "run.py"


@pytest.mark.parametrize(
    ("arguments", "expected"), [([], ["run"]), (["plan", "--contract", "fx"], ["plan", "--contract", "fx"])]
)
def test_script_is_the_program_and_runs_the_ingest_by_default(monkeypatch, arguments, expected):
    calls = []
    program = ModuleType("trade_ingest.cli.main")
    program.main = lambda given: calls.append(given) or 3
    monkeypatch.setitem(sys.modules, "trade_ingest.cli.main", program)
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])

    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPT), run_name="__main__")

    assert calls == [expected]
    assert ended.value.code == 3
