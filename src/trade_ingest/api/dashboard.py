"""The dashboard's built files, served from the same origin as the API."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, send_from_directory

from trade_ingest.api.access import public
from trade_ingest.api.options import ApiOptions

FOLDER = Path(__file__).parent / "static"
"""Where the package has them, if it was built with them."""

_HASHED = re.compile(r"[-.][A-Za-z0-9_]{8,}\.\w+$")
_PARTS = (".js", ".css", ".map", ".ico", ".svg", ".woff2")  # of an older build that somebody has still open
_OURS = ("api", "metrics", "healthz", "readyz")


def install(app: Flask, options: ApiOptions) -> None:
    """Serve the files, if they are there; a path that is no file is the dashboard's own, which has its pages there."""
    folder = options.static_folder or FOLDER
    if not (folder / "index.html").is_file():
        return
    blueprint = Blueprint("dashboard", __name__)

    @blueprint.get("/", defaults={"path": "index.html"})
    @blueprint.get("/<path:path>")
    @public
    def show_file(path: str) -> Response:
        is_file = (folder / path).is_file()
        if path.split("/", 1)[0] in _OURS or (not is_file and path.endswith(_PARTS)):
            abort(404)
        response = send_from_directory(folder, path if is_file else "index.html", conditional=True)
        # a hashed name never has other content; all others are asked for again
        is_lasting = is_file and _HASHED.search(path) is not None
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_lasting else "no-cache"
        return response

    app.register_blueprint(blueprint)
