"""Rows into PostgreSQL: encoding, COPY, the file transaction, partitions, targets."""
