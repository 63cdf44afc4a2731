"""Notifications, lineage and traces reach real HTTP servers; what these do not take comes again."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from trade_ingest.api.follow import Followers, pass_on
from trade_ingest.api.notify import Notifier
from trade_ingest.contract.loading import load_contract
from trade_ingest.ledger.run_requests import RequestState, ask_for_run, end_request
from trade_ingest.ledger.schema import upgrade
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions
from trade_ingest.settings import Settings

# Apprise's e-mail part looks for a module that Python 3.13 has no more
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Sink:
    """An HTTP server that keeps what it is sent; it refuses while `is_refusing`, and always below /dead."""

    def __init__(self):
        self.received = []
        self.refused = []
        self.is_refusing = False
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_refused = sink.is_refusing or self.path.startswith("/dead")
                (sink.refused if is_refused else sink.received).append((self.path, body))
                self.send_response(500 if is_refused else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def close(self):
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


@pytest.fixture
def ledger(database_url):
    upgrade(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def load(service):
    return ingest(
        [str(service.folder)],
        contract=load_contract("kraken_trades"),
        database=service.database,
        options=RunOptions(parallelism=1),
    )


def told(sink):
    return [(json.loads(body)["title"], json.loads(body)["message"]) for _, body in sink.received]


def test_failure_and_drift_are_told_once(service, sink, ledger):
    notifier = Notifier(f"json://{sink.address}/hook")
    pass_on(ledger, notifier)  # from now on
    service.write("XBTUSD.csv", 3)
    (service.folder / "lower.csv").write_text("1600000001,100.5,0.25\n")
    load(service)
    pass_on(ledger, notifier)
    pass_on(ledger, notifier)

    (failure, drift) = told(sink)
    assert failure == ("run 1 failed", "1 file failed, 1 loaded.\nSee: trade-ingest runs 1")
    assert drift[0] == "drift: 1 file differs from its contract"
    assert drift[1].startswith(f"{service.folder / 'lower.csv'}: ")


def test_good_run_tells_nobody(service, sink, ledger):
    notifier = Notifier(f"json://{sink.address}/hook")
    pass_on(ledger, notifier)
    service.write("XBTUSD.csv", 3)
    load(service)
    pass_on(ledger, notifier)

    assert sink.received == []


def test_notification_that_was_not_taken_comes_again(service, sink, ledger):
    notifier = Notifier(f"json://{sink.address}/hook")
    pass_on(ledger, notifier)
    (service.folder / "lower.csv").write_text("1600000001,100.5,0.25\n")
    load(service)
    sink.is_refusing = True
    with pytest.raises(OSError, match="not taken"):
        pass_on(ledger, notifier)
    sink.is_refusing = False
    pass_on(ledger, notifier)

    assert len(sink.received) == 2


class Clock:
    """A time that the test moves on."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now

    def advance(self, **span):
        self.now += timedelta(**span)


def test_url_that_takes_nothing_holds_up_no_other(service, sink, ledger, wait_until, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://{sink.address}")
    urls = (f"json://{sink.address}/dead", f"json://{sink.address}/hook")
    followers = Followers(service.database, Settings(notify=urls), patience_seconds=0.01)
    followers.start()
    wait_until(lambda: ledger.execute("SELECT count(*) FROM ingest.follower").fetchone() == (3,), "all have begun")
    (service.folder / "lower.csv").write_text("1600000001,100.5,0.25\n")
    load(service)
    wait_until(lambda: len(sink.refused) >= 2 and len(sink.received) >= 4, "a second try, and four messages")
    followers.stop()

    assert {path for path, _ in sink.refused} == {"/dead"}
    assert sorted(path for path, _ in sink.received) == ["/api/v1/lineage"] * 2 + ["/hook"] * 2
    titles = [json.loads(body)["title"] for path, body in sink.received if path == "/hook"]
    assert titles == ["run 1 failed", "drift: 1 file differs from its contract"]


def test_ledger_names_a_url_without_its_secrets(sink, ledger):
    for name in ("hook", "other"):
        pass_on(ledger, Notifier(f"json://ann:secret@{sink.address}/{name}"))

    names = [name for (name,) in ledger.execute("SELECT name FROM ingest.follower")]
    assert (len(set(names)), "".join(names).count("notify:")) == (2, 2)
    assert all("secret" not in name and "hook" not in name for name in names)


def test_run_that_could_not_begin_is_told(sink, ledger):
    notifier = Notifier(f"json://{sink.address}/hook")
    pass_on(ledger, notifier)
    asked, _ = ask_for_run(ledger, {"sources": ["/no/such"]}, requested_by="ann", fingerprint=b"a")
    error = {"code": "source.not_found", "message": "/no/such: no such file", "hint": "look again"}
    end_request(ledger, asked.run_request_id, RequestState.FAILED, error)
    pass_on(ledger, notifier)

    title = f"run request {asked.run_request_id} failed before it had a run"
    assert told(sink) == [(title, "/no/such: no such file\nlook again")]


def test_late_target_is_told_once_until_it_gets_a_file(service, sink, ledger):
    clock = Clock(datetime.now(UTC))
    notifier = Notifier(f"json://{sink.address}/hook", 24, clock=clock)
    service.write("XBTUSD.csv", 3)
    load(service)
    pass_on(ledger, notifier)
    service.query("UPDATE ingest.file SET loaded_at = loaded_at - interval '25 h'")
    pass_on(ledger, notifier)
    assert sink.received == []  # once a minute is looked
    for _ in range(2):
        clock.advance(minutes=1)
        pass_on(ledger, notifier)
    assert [title for title, _ in told(sink)] == ["public.trade_print is late"]
    service.write("ETHUSD.csv", 3)
    load(service)
    clock.advance(minutes=1)
    pass_on(ledger, notifier)
    service.query("UPDATE ingest.file SET loaded_at = loaded_at - interval '25 h'")
    clock.advance(minutes=1)
    pass_on(ledger, notifier)

    assert [title for title, _ in told(sink)] == ["public.trade_print is late"] * 2


def test_day_without_a_file_is_told_once(service, sink, ledger):
    sunday = datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)  # of the files' first row

    def write(day):
        service.write(f"XBTUSD_{day}.csv", 3, first=day * 86_400)

    missing = 24  # a Wednesday; no weekend has files, and none is missed
    weekdays = [day for day in range(27) if (sunday + timedelta(days=day)).weekday() < 5]
    for day in weekdays:
        if day != missing:
            write(day)
    load(service)
    clock = Clock(sunday + timedelta(days=missing + 1))
    notifier = Notifier(f"json://{sink.address}/hook", clock=clock)
    pass_on(ledger, notifier)
    assert sink.received == []  # the day ended less than 24 hours ago
    for _ in range(3):
        clock.advance(days=1)
        pass_on(ledger, notifier)
    assert told(sink) == [("gap: a day has no file", "public.trade_print by kraken_trades: 2020-10-07")]
    clock.advance(days=3)
    pass_on(ledger, notifier)

    # the feed has stopped: Monday of the week after is due at the end of Tuesday
    assert told(sink)[1:] == [("gap: a day has no file", "public.trade_print by kraken_trades: 2020-10-12")]


def test_gap_that_was_not_taken_is_told_again(service, sink, ledger):
    for day in (0, 7):
        service.write(f"XBTUSD_{day}.csv", 3, first=day * 86_400)
    load(service)
    notifier = Notifier(f"json://{sink.address}/hook", clock=Clock(datetime(2020, 9, 29, tzinfo=UTC)))
    sink.is_refusing = True
    with pytest.raises(OSError, match="not taken"):
        pass_on(ledger, notifier)
    sink.is_refusing = False
    pass_on(ledger, notifier)
    pass_on(ledger, notifier)

    assert told(sink) == [("gap: a day has no file", "public.trade_print by kraken_trades: 2020-09-27")]


def test_one_server_at_a_time_works_for_a_follower(service, sink, ledger):
    notifier = Notifier(f"json://{sink.address}/hook")
    pass_on(ledger, notifier)
    with psycopg.connect(service.database) as other:
        other.execute("SELECT 1 FROM ingest.follower FOR UPDATE")

        assert not pass_on(ledger, notifier)
    assert pass_on(ledger, notifier)


def test_served_runs_are_sent_as_openlineage_events(service, sink, wait_until):
    service.write("XBTUSD.csv", 4)
    server = service.serve(OPENLINEAGE_URL=f"http://{sink.address}")
    wait_until(lambda: service.query("SELECT 1 FROM ingest.follower"), "the follower has begun")
    load(service)
    wait_until(lambda: len(sink.received) >= 2, "two events")
    assert server.process.poll() is None

    start, end = (json.loads(body) for _, body in sink.received)
    assert [path for path, _ in sink.received] == ["/api/v1/lineage"] * 2
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == end["run"]["runId"]
    assert end["job"]["name"] == "ingest.kraken_trades"
    (given,) = end["inputs"]
    assert (given["namespace"], given["name"]) == ("file", str(service.folder / "XBTUSD.csv"))
    assert given["inputFacets"]["dataQualityMetrics"]["rowCount"] == 4
    assert [check["success"] for check in given["inputFacets"]["dataQualityAssertions"]["assertions"]] == [True] * 3
    (taken,) = end["outputs"]
    assert taken["name"].endswith(".public.trade_print")
    assert taken["outputFacets"]["outputStatistics"]["rowCount"] == 4


def test_requests_and_runs_are_sent_as_traces(service, sink, wait_until):
    service.write("XBTUSD.csv", 4)
    server = service.serve(
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{sink.address}", OTEL_BSP_SCHEDULE_DELAY="100", OTEL_SERVICE_NAME="desk"
    )
    wait_until(lambda: service.query("SELECT 1 FROM ingest.follower"), "the follower has begun")
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    server.get("/runs", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})
    load(service)

    def spans():
        found = {}
        for path, body in list(sink.received):
            assert path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                assert ("service.name", "desk") in [(a.key, a.value.string_value) for a in resource.resource.attributes]
                found |= {span.name: span for scope in resource.scope_spans for span in scope.spans}
        return found if {"GET /api/v1/runs", "ingest", "file"} <= set(found) else None

    found = wait_until(spans, "the spans")
    assert found["GET /api/v1/runs"].trace_id.hex() == trace_id
    assert found["file"].parent_span_id == found["ingest"].span_id
    assert {a.key: a.value.int_value for a in found["ingest"].attributes}["trade_ingest.rows_loaded"] == 4
    assert found["ingest"].end_time_unix_nano > found["ingest"].start_time_unix_nano
