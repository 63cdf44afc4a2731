"""For notebooks: what was planned, run and rejected as tables, and charts of it.

Each function gives an object that Jupyter and Databricks show as HTML and a terminal as text. Nothing is fetched to see
it, so it can be seen without a network; it takes over the notebook's colours, light or dark. Data is escaped, passwords
in URLs are masked. The charts need the extra ``notebook``::

    from trade_ingest import ingest, load_contract
    from trade_ingest import notebook as nb

    nb.show(ingest(["trades/"], contract=load_contract("trade_event"), database=database))
    nb.rejects(database, run_id=1)
"""

from trade_ingest.notebook.charts import coverage, prices, throughput
from trade_ingest.notebook.display import show
from trade_ingest.notebook.drawing import Chart
from trade_ingest.notebook.listings import files, rejects, run, runs
from trade_ingest.notebook.page import View
from trade_ingest.notebook.sandbox import Sandbox, open_sandbox

__all__ = [
    "Chart",
    "Sandbox",
    "View",
    "coverage",
    "files",
    "open_sandbox",
    "prices",
    "rejects",
    "run",
    "runs",
    "show",
    "throughput",
]
