"""Accepted rows beside the target: as Parquet in a folder or an object store, or as an Iceberg table."""
