"""The API in this process, on a real database into which a small folder of files was loaded."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from trade_ingest.api.app import create_app
from trade_ingest.api.connections import EXTENSION as CONNECTIONS
from trade_ingest.api.options import ApiOptions
from trade_ingest.settings import Settings


@dataclass
class Api:
    """The app, asked through its test client."""

    client: FlaskClient
    options: ApiOptions

    def ask(self, path: str, **parameters: Any) -> TestResponse:
        """The answer to a GET below /api/v1."""
        return self.client.get(f"/api/v1{path}", query_string=parameters or None)

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON of an answer that is good."""
        answer = self.ask(path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json

    def post(self, path: str, body: Any) -> Any:
        """The JSON of an answer to a POST that is good."""
        answer = self.client.post(f"/api/v1{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json

    def walk(self, path: str, **parameters: Any) -> list[list[Any]]:
        """All pages of a list."""
        pages = []
        cursor: dict[str, str] = {}
        while cursor or not pages:
            page = self.get(path, **parameters, **cursor)
            pages.append(page["items"])
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        return pages


@pytest.fixture
def make_api(database_url, tmp_path) -> Iterator[Any]:
    """Makes the app for the test's database; what is given goes to its options."""
    made = []

    def make(**given: Any) -> Api:
        values = {"database_url": database_url, "api_sources": (str(tmp_path),)} | given.pop("settings", {})
        settings = Settings(**values)
        database = given.pop("database", database_url)
        options = ApiOptions(database, settings, **{"static_folder": tmp_path / "no-dashboard", **given})
        app = create_app(options)
        made.append(app)
        return Api(app.test_client(), options)

    yield make
    for app in made:
        app.extensions[CONNECTIONS].close()


@pytest.fixture
def api(make_api) -> Api:
    """The app as it is by default; the test's folder is allowed."""
    return make_api()


@pytest.fixture
def loaded(desk) -> Any:
    """Two files: one with a good and two bad rows, one whose header is wrong."""
    desk.write("a.csv", [desk.line("A1"), desk.line("A2", price="-1"), desk.line("A3", quantity="x", price="-2")])
    desk.write("b.csv", [desk.line("B1")], header="no,such")
    desk.ingest()
    return desk
