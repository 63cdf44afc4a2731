"""Propose a contract from samples of a feed."""
