"""Check a sample that somebody has at hand: which contracts it fits, without a database; nothing of it is kept."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from trade_ingest.check import FileCheck, check
from trade_ingest.contract.model import Contract
from trade_ingest.match import match_contracts


@dataclass(frozen=True, slots=True)
class SampleCheck:
    """What loading would make of a sample.

    Attributes:
        contract: the name of the contract that it was checked by.
        check: the verdict; its ``uri`` is the name that the sample was given under.
        fitting: the built-in contracts that would take every row of it, by name.
    """

    contract: str
    check: FileCheck
    fitting: tuple[str, ...]


def check_sample(content: IO[bytes], name: str, *, contract: Contract, limit: int = 10) -> SampleCheck:
    """Check a sample by a contract and by the built-in ones.

    It is read from a temporary file, which is gone before the answer is given.

    Args:
        content: its bytes, compressed or not.
        name: what it is called; contracts may take values from it.
        contract: what it must look like.
        limit: how many rejects are kept.
    """
    with _temporary(content, name) as path:
        verdict = _check(path, name, contract, limit)
        (match,) = match_contracts([str(path)], max_bytes=None)
        fitting = tuple(sorted(fit.contract for fit in match.fits if fit.takes_all))
    return SampleCheck(contract.name, verdict, fitting)


def _check(path: Path, name: str, contract: Contract, limit: int) -> FileCheck:
    (found,) = check([str(path)], contract=contract, limit=limit)
    error = found.error
    if error is not None:
        error = replace(error, message=error.message.replace(str(path), name))
    return replace(found, uri=name, error=error)


@contextmanager
def _temporary(content: IO[bytes], name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="trade-ingest-sample-") as folder:
        # the name as given may be a path, or have wildcards
        path = Path(folder) / (re.sub(r"[^A-Za-z0-9._-]+", "_", Path(name).name).lstrip(".")[-200:] or "sample")
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)
        yield path
