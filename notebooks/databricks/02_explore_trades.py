# Databricks notebook source
# MAGIC %md
# MAGIC # Explore trades with Spark SQL
# MAGIC
# MAGIC `ti.read` makes a DataFrame of trade files: typed by the contract, with exactly the rows that an ingest would accept. No
# MAGIC database is needed. It uses the session that is active, as on Databricks, else it starts one on this machine.

# COMMAND ----------

import tempfile
from pathlib import Path

from trade_ingest import load_contract
from trade_ingest import notebook as nb
from trade_ingest import spark as ti
from trade_ingest.engine.spark_session import open_session
from trade_ingest.generate import generate

spark, is_new_session = open_session()
folder = Path(tempfile.mkdtemp(prefix="trade-ingest-"))  # on a cluster: a folder that the executors see
spark.version

# COMMAND ----------

# MAGIC %md
# MAGIC ## The files
# MAGIC
# MAGIC Five days of trades in the format of Binance's archive, a few rows of them broken; put your own files and contract in their place.

# COMMAND ----------

contract = load_contract("binance_spot_trades")
made = generate(contract, folder, rows=20_000, files=5, bad_ratio=0.002, seed=3)
print(f"{made.rows:,} rows in {len(made.files)} files, {made.bad_rows} of them bad")

# COMMAND ----------

trades = ti.read(spark, str(folder), contract=contract)
trades.printSchema()

# COMMAND ----------

trades.persist()  # else each question reads the files again
trades.createOrReplaceTempView("trades")
spark.sql("SELECT count(*) AS trades, count(DISTINCT _file) AS files FROM trades").show()

# COMMAND ----------

# MAGIC %md
# MAGIC ## By day
# MAGIC
# MAGIC Prices and quantities are decimals, so sums are exact.

# COMMAND ----------

by_day = spark.sql("""
    SELECT symbol, date_trunc('DAY', executed_at) AS day, count(*) AS trades, sum(quantity) AS volume,
        round(sum(price * quantity) / sum(quantity), 2) AS vwap, min(price) AS low, max(price) AS high
    FROM trades
    GROUP BY symbol, day
    ORDER BY symbol, day
""")
by_day.toPandas()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Buyers and sellers

# COMMAND ----------

spark.sql("""
    SELECT side, count(*) AS trades, sum(quantity) AS volume, round(avg(quantity), 6) AS mean_quantity
    FROM trades
    GROUP BY side
    ORDER BY side
""").toPandas()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Prices
# MAGIC
# MAGIC Of the symbol that is traded most. The rows are collected to draw them; for more than some millions, let Spark aggregate or
# MAGIC choose first.

# COMMAND ----------

(symbol,) = spark.sql("SELECT symbol FROM trades GROUP BY symbol ORDER BY count(*) DESC, symbol LIMIT 1").first()
one = trades.where(trades.symbol == symbol).select("executed_at", "price", "quantity")
nb.prices(one, quantity="quantity", title=symbol)

# COMMAND ----------

nb.prices(one, quantity="quantity", interval="4h", title=symbol)

# COMMAND ----------

# MAGIC %md
# MAGIC ## What was left out
# MAGIC
# MAGIC The rows that break the contract, with their reasons: an ingest keeps them as rejects.

# COMMAND ----------

rejects = ti.read_rejects(spark, str(folder), contract=contract)
rejects.createOrReplaceTempView("rejects")
spark.sql("""
    SELECT reason.code, reason.column, count(*) AS rejects
    FROM (SELECT explode(reasons) AS reason FROM rejects)
    GROUP BY reason.code, reason.column
    ORDER BY rejects DESC, code, column
""").toPandas()

# COMMAND ----------

print(f"{trades.count():,} accepted, {rejects.count():,} rejected, {made.rows:,} rows in the files")

# COMMAND ----------

trades.unpersist()
if is_new_session:
    spark.stop()
