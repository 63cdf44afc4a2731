"""Sizes that readers and planners share."""

BLOCK_BYTES = 8 << 20
"""File bytes that are parsed at once."""
