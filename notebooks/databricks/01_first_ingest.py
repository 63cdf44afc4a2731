# Databricks notebook source
# MAGIC %md
# MAGIC # A first ingest
# MAGIC
# MAGIC A vendor delivers daily files of trades, a few rows of them broken. You load them into PostgreSQL, look at what happened,
# MAGIC and load again: each file is loaded exactly once.
# MAGIC
# MAGIC It works in a folder and an embedded PostgreSQL of its own; nothing of yours is touched. On a cluster, name a folder that
# MAGIC the executors see and a database that they reach:
# MAGIC `nb.open_sandbox("first_ingest", folder="/Volumes/…", database="postgresql://…")`.

# COMMAND ----------

from trade_ingest import ingest, load_contract, plan
from trade_ingest import notebook as nb
from trade_ingest.generate import generate

sandbox = nb.open_sandbox("first_ingest")
database = sandbox.database
sandbox

# COMMAND ----------

# MAGIC %md
# MAGIC ## The files
# MAGIC
# MAGIC The *contract* says what a file must look like and where its rows go. `trade_event` is built in: foreign exchange trades,
# MAGIC one row for each state that a trade goes through. Four rows in a thousand are made to break it.

# COMMAND ----------

contract = load_contract("trade_event")
made = generate(contract, sandbox.trades, rows=20_000, files=10, bad_ratio=0.004, seed=7)
print(f"{made.rows:,} rows in {len(made.files)} files, {made.bad_rows} of them bad")

# COMMAND ----------

with made.files[0].path.open() as file:
    for _ in range(3):
        print(file.readline().rstrip()[:110], "…")

# COMMAND ----------

# MAGIC %md
# MAGIC ## The plan
# MAGIC
# MAGIC What would be loaded, and why not the rest. It reads the listing and the ledger, and changes nothing.

# COMMAND ----------

sources = [str(sandbox.trades)]
nb.show(plan(sources, contract=contract, database=database))

# COMMAND ----------

# MAGIC %md
# MAGIC ## The run
# MAGIC
# MAGIC Each file is one transaction: its rows, its rejects and its line in the ledger, or nothing of it. Every row that was read is
# MAGIC loaded, a duplicate, or rejected with its reasons.

# COMMAND ----------

result = ingest(sources, contract=contract, database=database)
nb.show(result)

# COMMAND ----------

nb.run(database, result.run_id)

# COMMAND ----------

nb.throughput(database, result.run_id)

# COMMAND ----------

# MAGIC %md
# MAGIC ## The days
# MAGIC
# MAGIC A calendar of the rows in the table. A day that has none is empty: a weekend, or a file that was not delivered.

# COMMAND ----------

nb.coverage(database, contract)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Again
# MAGIC
# MAGIC Nothing is left to do. A run that was killed is continued in the same way: run it again.

# COMMAND ----------

again = ingest(sources, contract=contract, database=database)
nb.show(again)

# COMMAND ----------

nb.show(plan(sources, contract=contract, database=database))

# COMMAND ----------

nb.runs(database)

# COMMAND ----------

# MAGIC %md
# MAGIC ## The end
# MAGIC
# MAGIC The server stops; files and rows stay until this notebook is run again. [`03_audit_a_run`](03_audit_a_run.ipynb) goes on
# MAGIC with the rejected rows.

# COMMAND ----------

sandbox.close()
