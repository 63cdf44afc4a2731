"""What lies outside of the allow-list is neither planned nor loaded, whatever leads there."""

import pytest

KRAKEN = "kraken_trades"


@pytest.fixture
def folder(service):
    """The allowed folder, with a file, and links to a folder and a file outside of it."""
    (service.folder / "own").mkdir(parents=True)
    service.write("own/XBTUSD.csv", 5)
    outside = service.tmp / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text("1600000000,7.5,0.25\n")
    (service.folder / "link").symlink_to(outside)
    (service.folder / "link.csv").symlink_to(outside / "secret.csv")
    return service.folder


def test_escaped_way_up_behind_a_wildcard_is_refused(service, folder):
    server = service.serve()
    body = {"sources": [f"file://{folder}/*/%2e%2e/%2e%2e/outside/secret.csv"], "contract": KRAKEN}

    for path in ("/plans", "/runs"):
        answer = server.call("POST", path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "source.not_allowed")


@pytest.mark.parametrize(
    ("source", "ignored"), [("", ["link", "link.csv"]), ("/*/*.csv", ["link"]), ("/**", ["link", "link.csv"])]
)
def test_files_behind_links_are_not_planned_and_told_by_the_link_alone(service, folder, source, ignored):
    plan = service.serve().post("/plans", {"sources": [f"{folder}{source}"], "contract": KRAKEN})

    assert [item["uri"] for item in plan["to_load"]] == [f"{folder}/own/XBTUSD.csv"]
    assert plan["ignored"] == [f"{folder}/{name}" for name in ignored]


def test_files_behind_links_are_not_loaded(service, folder):
    server = service.serve()
    requests = [
        server.post("/runs", {"sources": [f"{folder}{source}"], "contract": KRAKEN})["run_request_id"]
        for source in ("/**/*.csv", "/lin?/*.csv")
    ]
    first, second = (service.ended(request) for request in requests)

    assert (first["state"], second["state"], second["error"]["code"]) == ("ended", "failed", "source.not_allowed")
    assert service.query("SELECT uri FROM ingest.file") == [(f"{folder}/own/XBTUSD.csv",)]
    assert service.query("SELECT count(*) FROM trade_print") == [(5,)]
