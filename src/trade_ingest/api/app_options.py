"""The options of the app that handles the request."""

from __future__ import annotations

from typing import Final

from flask import Flask, current_app

from trade_ingest.api.options import ApiOptions

EXTENSION: Final = "trade_ingest_options"


def install(app: Flask, given: ApiOptions) -> None:
    """Give an app its options."""
    app.extensions[EXTENSION] = given


def options() -> ApiOptions:
    """The options of the app that handles the request."""
    found: ApiOptions = current_app.extensions[EXTENSION]
    return found
