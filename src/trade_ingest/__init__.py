"""Load trade files into PostgreSQL: each file exactly once, into one database, every row accounted for.

The public functions are those of ``__all__``; each is imported when it is first used, so that importing the package
costs nothing::

    from trade_ingest import ingest, load_contract

    result = ingest(["trades/"], contract=load_contract("trade_event"), database="postgresql://me@db.example/trades")
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trade_ingest.check import check
    from trade_ingest.contract.loading import load_contract
    from trade_ingest.explain import explain
    from trade_ingest.infer.inferring import infer
    from trade_ingest.pipeline import baseline, ingest, plan
    from trade_ingest.reconcile import reconcile
    from trade_ingest.replay import replay
    from trade_ingest.rollback import rollback

__all__ = [
    "baseline",
    "check",
    "explain",
    "infer",
    "ingest",
    "load_contract",
    "plan",
    "reconcile",
    "replay",
    "rollback",
]

_MODULES = {
    "baseline": "pipeline",
    "check": "check",
    "explain": "explain",
    "infer": "infer.inferring",
    "ingest": "pipeline",
    "load_contract": "contract.loading",
    "plan": "pipeline",
    "reconcile": "reconcile",
    "replay": "replay",
    "rollback": "rollback",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  # of any type: a function of __all__
    if name not in _MODULES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps the names of functions for the functions: importing ``trade_ingest.plan`` would bind the module to it."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _MODULES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
