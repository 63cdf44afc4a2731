"""One run in a process of its own: drive_run.py ORDER. Order, result and error are JSON."""

import json
import sys

from trade_ingest.contract.model import Contract
from trade_ingest.errors import TradeIngestError
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions

order = json.loads(sys.argv[1])
try:
    result = ingest(
        order["sources"],
        contract=Contract.model_validate(order["contract"]),
        database=order["database"],
        options=RunOptions(**order["options"]),
    )
    print(json.dumps(result.as_dict()))  # noqa: T201
except TradeIngestError as error:
    shown = {"error": error.code, "retryable": error.retryable, "message": error.message, "hint": error.hint}
    print(json.dumps(shown))  # noqa: T201
