"""The trade-ingest program: a thin shell over the public functions."""
