"""Engines run file loads in parallel."""
