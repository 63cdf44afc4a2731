"""Synthetic files for any contract: realistic where the feed is known, legal everywhere, the same for the same seed.

Every row is a function of the seed and its place, so that memory is constant, a row can be made again elsewhere (that
is how duplicates come about) and files are the same on any machine.
"""

from trade_ingest.generate.generator import DEFAULT_START, GeneratedFile, GenerateResult, generate

__all__ = ["DEFAULT_START", "GenerateResult", "GeneratedFile", "generate"]
