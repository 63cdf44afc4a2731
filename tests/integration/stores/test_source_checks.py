"""The checks of a source tell what is wrong with it, whatever it is, and show no secret."""

import json
import socketserver
import threading
from datetime import UTC, datetime

import pytest

from stores.server_process import HOST
from trade_ingest.doctor import CheckState
from trade_ingest.source_checks import check_store_clock, diagnose_source


def found(source):
    """Each check's name, state and message."""
    return [(check.name, check.state.value, check.message) for check in diagnose_source(source)]


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("not a url", "'not a url' is no URL of a service; expected https://host or https://host:port"),
        ("https://localhost:port", "'https://localhost:port' is no URL of a service; expected https://host or "),
        ("http://me:s3cr3t@127.0.0.1:1", "http://***@127.0.0.1:1: an endpoint takes no user name, password or query"),
    ],
)
def test_endpoint_that_is_none_fails_the_check_of_credentials(endpoint, message, s3_store, reach, monkeypatch):
    reach(s3_store)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)

    source, credentials = found(f"{s3_store.root}/")

    assert source[:2] == ("source", "pass")
    assert credentials[:2] == ("credentials", "fail")
    assert credentials[2].startswith(message)


def test_account_key_that_is_none_fails_the_check_of_credentials(azure_store, reach, monkeypatch):
    reach(azure_store)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "notbase64!s3cr3t")

    (name, state, message) = found(f"{azure_store.root}/")[-1]

    assert (name, state) == ("credentials", "fail")
    assert message.startswith("AZURE_STORAGE_ACCOUNT_KEY of the environment: is no account key")
    assert "s3cr3t" not in message


def test_google_file_without_a_key_fails_the_check_of_credentials(gcs_store, reach, monkeypatch, tmp_path):
    reach(gcs_store)
    path = tmp_path / "account.json"
    path.write_text(json.dumps({"type": "service_account", "client_email": "a@b.c"}))
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)

    (name, state, message) = found(f"{gcs_store.root}/")[-1]

    assert (name, state) == ("credentials", "fail")
    assert "the store cannot be opened with file of GOOGLE_SERVICE_ACCOUNT" in message


@pytest.fixture
def not_http():
    """A server that answers with something else than HTTP."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(65536)
            self.request.sendall(b"220 mail.example ESMTP\r\n")

    with socketserver.ThreadingTCPServer((HOST, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("endpoint", ["not a url", "https://localhost:port", None])
def test_service_that_does_not_say_the_time_is_a_warning(endpoint, not_http):
    endpoint = endpoint or not_http

    state, message, _ = check_store_clock(endpoint, lambda: datetime.now(UTC))

    assert (state, message) == (CheckState.WARN, f"{endpoint} does not say what time it is")
