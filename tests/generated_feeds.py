"""The contracts that files can be generated for."""

import tempfile
from pathlib import Path

from trade_ingest.contract.loading import load_contract
from trade_ingest.errors import GenerateError
from trade_ingest.generate import generate


def can_be_generated(name_or_path):
    """Whether `generate` makes files for a contract."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            generate(load_contract(str(name_or_path)), Path(folder), rows=1, files=1)
        except GenerateError:
            return False
    return True
