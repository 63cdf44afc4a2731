"""The dashboard's built files, served from the same origin as the API."""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, request, send_file, send_from_directory
from werkzeug.security import safe_join
from xxhash import xxh3_64_hexdigest

from trade_ingest.api.access import public
from trade_ingest.api.options import ApiOptions

FOLDER = Path(__file__).parent / "static"
"""Where the package has them, if it was built with them."""

_HASHED = re.compile(r"[-.][A-Za-z0-9_]{8,}\.\w+$")
_PARTS = (".js", ".css", ".map", ".ico", ".svg", ".woff2")  # of an older build that somebody has still open
_TEXTS = (".html", ".js", ".css", ".svg", ".txt")
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
        response = _send(folder, path if is_file else "index.html")
        # a hashed name never has other content; all others are asked for again
        is_lasting = is_file and _HASHED.search(path) is not None
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_lasting else "no-cache"
        return response

    app.register_blueprint(blueprint)


def _send(folder: Path, name: str) -> Response:
    """A file of the folder: as it is, or compressed where it is text and the client takes that."""
    if not name.endswith(_TEXTS):
        return send_from_directory(folder, name, conditional=True)
    path = safe_join(str(folder), name)
    if path is None or not request.accept_encodings["gzip"]:
        response = send_from_directory(folder, name, conditional=True)
    else:
        body = _compressed(path, Path(path).stat().st_mtime_ns)
        etag = f"{xxh3_64_hexdigest(body)}-gzip"
        response = send_file(BytesIO(body), download_name=name, conditional=True, etag=etag)
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    return response


@lru_cache(maxsize=256)
def _compressed(path: str, modified_ns: int) -> bytes:  # noqa: ARG001  # a file that was built again is another one
    return gzip.compress(Path(path).read_bytes(), mtime=0)
