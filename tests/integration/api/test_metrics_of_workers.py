"""`/metrics` of a server of two processes: one scrape has what both of them counted."""

import os
import signal
from collections import Counter

import psutil
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

RUNS = {"method": "GET", "route": "/api/v1/runs", "status": "200"}


@pytest.fixture
def scratch(tmp_path):
    """The temporary folder of the server."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def server(service, scratch):
    """A server of two processes."""
    return service.serve("--workers", "2", TMPDIR=str(scratch))


@pytest.fixture
def ask(server, wait_until):
    """Asks one of the processes some times: the others are stopped meanwhile, so that they cannot answer."""

    def ask(number, times):
        workers = wait_until(lambda: len(found := workers_of(server)) == 2 and found, "there are two processes")
        workers[1 - number].suspend()
        try:
            for _ in range(times):
                assert requests.get(f"{server.url}/api/v1/runs", timeout=60).ok
        finally:
            workers[1 - number].resume()
        return workers[number]

    return ask


def workers_of(server):
    """The processes that serve, the oldest first."""
    return sorted(psutil.Process(server.process.pid).children(), key=lambda worker: worker.pid)


def scrape(server):
    """The value of each sample by its name and labels."""
    answer = requests.get(f"{server.url}/metrics", timeout=60)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    assert max(Counter((s.name, *sorted(s.labels.items())) for s in samples).values()) == 1
    return {(sample.name, *sorted(sample.labels.items())): sample.value for sample in samples}


def runs_counted(server):
    return scrape(server)[("trade_ingest_http_requests_total", *sorted(RUNS.items()))]


def test_scrape_has_the_requests_of_all_processes(server, ask):
    first, second = ask(0, 3), ask(1, 4)
    samples = scrape(server)
    by_route = tuple(sorted((name, RUNS[name]) for name in ("method", "route")))

    assert first.pid != second.pid
    assert samples[("trade_ingest_http_requests_total", *sorted(RUNS.items()))] == 7
    assert samples[("trade_ingest_http_request_seconds_count", *by_route)] == 7
    bucket = sorted([*by_route, ("le", "+Inf")])
    assert samples[("trade_ingest_http_request_seconds_bucket", *bucket)] == 7
    assert samples[("trade_ingest_http_requests_in_flight",)] == 1  # the scrape itself
    assert samples[("trade_ingest_runs_running",)] == 0


def test_what_a_killed_process_counted_stays_counted(server, ask, wait_until):
    killed = ask(0, 3)
    ask(1, 2)
    os.kill(killed.pid, signal.SIGKILL)
    wait_until(lambda: len(workers_of(server)) == 2 and killed not in workers_of(server), "another one takes its place")

    assert runs_counted(server) == 5
    ask(0, 1)
    ask(1, 1)
    assert runs_counted(server) == 7


def test_files_are_removed_when_the_server_ends(server, scratch):
    assert [folder.name[:21] for folder in scratch.glob("trade-ingest-*")] == ["trade-ingest-metrics-"]

    server.process.terminate()

    assert server.process.wait(60) == 0
    assert list(scratch.glob("trade-ingest-*")) == []


def test_files_are_removed_by_the_others_when_the_first_process_was_killed(server, scratch):
    workers = workers_of(server)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    psutil.wait_procs(workers, timeout=60)

    assert list(scratch.glob("trade-ingest-*")) == []


def test_one_process_needs_no_files(service, scratch):
    server = service.serve(TMPDIR=str(scratch))
    server.get("/runs")

    assert list(scratch.glob("trade-ingest-*")) == []
    assert runs_counted(server) == 1
