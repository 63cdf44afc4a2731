# Databricks notebook source
# MAGIC %md
# MAGIC # Audit a run
# MAGIC
# MAGIC What was loaded, from where, and what was not: the ledger has the answer to each, and `reconcile` proves it against the
# MAGIC table. Here some rows were rejected; you find out why, correct them and load them.
# MAGIC
# MAGIC As in [`01_first_ingest`](01_first_ingest.ipynb), the folder and the database are of its own. On a cluster:
# MAGIC `nb.open_sandbox("audit", folder="/Volumes/…", database="postgresql://…")`.

# COMMAND ----------

from trade_ingest import explain, ingest, load_contract, reconcile, replay
from trade_ingest import notebook as nb
from trade_ingest.generate import generate
from trade_ingest.ledger.export import write_export
from trade_ingest.ledger.queries import open_ledger
from trade_ingest.ledger.rejects import RejectFilter, list_rejects

sandbox = nb.open_sandbox("audit")
database = sandbox.database
contract = load_contract("trade_event")
made = generate(contract, sandbox.trades, rows=20_000, files=10, bad_ratio=0.004, seed=1)
result = ingest([str(sandbox.trades)], contract=contract, database=database)
nb.runs(database)

# COMMAND ----------

# MAGIC %md
# MAGIC ## The run
# MAGIC
# MAGIC The first line is the one to look for: each row that was read is accounted for. It was checked before each file's commit.

# COMMAND ----------

nb.run(database, result.run_id)

# COMMAND ----------

nb.files(database, run_id=result.run_id)

# COMMAND ----------

# MAGIC %md
# MAGIC ## One file
# MAGIC
# MAGIC Why it was loaded or was not, and what the next run would do with it.

# COMMAND ----------

print(explain(database, str(made.files[0].path)).sentence)

# COMMAND ----------

# MAGIC %md
# MAGIC ## The rejects
# MAGIC
# MAGIC By reason and column, then row by row as they were delivered, the bad cells marked.

# COMMAND ----------

nb.rejects(database, run_id=result.run_id)

# COMMAND ----------

nb.rejects(database, reason="failed_check", rows=True, limit=5)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Correct and replay
# MAGIC
# MAGIC Export the rejects and correct the column `raw`: with an editor, a spreadsheet, or here two errors that are known. Rows that
# MAGIC stay as they are stay open.

# COMMAND ----------

exported, corrected = sandbox.folder / "rejects.csv", sandbox.folder / "corrected.csv"
with open_ledger(database) as ledger, exported.open("w", encoding="utf-8", newline="") as file:
    count = write_export(list_rejects(ledger, RejectFilter(run_id=result.run_id), limit=None), file)
text = exported.read_text(encoding="utf-8")
corrected.write_text(text.replace("1..2", "1.2").replace(",XQX,", ",USD,"), encoding="utf-8")
print(f"{count} rejects exported")

# COMMAND ----------

# MAGIC %md
# MAGIC A preview tells what would happen, and changes nothing. Then the same for good: the rows go through the same checks into
# MAGIC the same files, each of them at most once.

# COMMAND ----------

nb.show(replay(database, edited=corrected, preview=True))

# COMMAND ----------

replayed = replay(database, edited=corrected)
nb.show(replayed)

# COMMAND ----------

nb.rejects(database)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Prove it
# MAGIC
# MAGIC `reconcile` reads each table once and compares it with the ledger, file by file: rows, control totals, times, rejects.

# COMMAND ----------

proof = reconcile(database)
nb.show(proof)

# COMMAND ----------

print(f"{result.rows_loaded + replayed.rows_loaded:,} rows loaded, {proof.rows:,} in the table")
nb.runs(database)

# COMMAND ----------

sandbox.close()
