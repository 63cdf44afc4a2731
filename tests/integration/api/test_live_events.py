"""Streams over HTTP: nothing is lost or doubled across reconnects and servers, and who polls sees the same."""

import itertools
import threading
import time

import psycopg
import pytest

from trade_ingest.api.stream import Broadcaster
from trade_ingest.ledger.events import Event, EventKind, record_event
from trade_ingest.ledger.schema import upgrade

KRAKEN = "kraken_trades"


def open_stream(server, *, after=None, **query):
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
    answer = server.call("GET", "/events", params=query, headers=headers, stream=True)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    return answer


def record(connection, number):
    record_event(connection, Event(EventKind.REJECTS_DISCARDED, detail={"number": number}))


def test_committed_file_is_on_the_stream_within_a_second(service, read_stream):
    service.write("XBTUSD.csv", 50)
    server = service.serve()
    with open_stream(server) as answer:
        events = read_stream(answer)
        assert next(events)["event"] == "position"
        asked = server.post("/runs", {"sources": [str(service.folder)], "contract": KRAKEN})
        seen = []
        for event in events:
            seen.append((event["event"], time.time()))
            if event["event"] == "run_ended":
                break
    service.ended(asked["run_request_id"])
    ((committed_at,),) = service.query(
        "SELECT extract(epoch FROM at)::float8 FROM ingest.event WHERE kind = 'file_loaded'"
    )

    kinds = [kind for kind, _ in seen if kind != "progress"]
    assert kinds == ["run_started", "target_created", "run_planned", "file_loaded", "run_ended"]
    assert dict(seen)["file_loaded"] - committed_at < 1


def write_events(database, worker, count):
    """Write events, many of which commit after others that have higher ids."""
    with psycopg.connect(database) as connection:
        for number in range(count):
            record(connection, f"{worker}-{number}")
            if number % (worker + 2) == 0:
                connection.commit()


def read_some(answer, read_stream, count):
    """The numbers of events and the last position; of at most so many messages."""
    numbers, position = [], None
    for message in itertools.islice(read_stream(answer), count):
        if message["event"] == "target_created":
            break
        if message["event"] == "rejects_discarded":
            numbers.append(message["data"]["detail"]["number"])
            position = message["id"]
    return numbers, position


def test_reconnects_to_any_server_during_writes_lose_and_double_nothing(service, read_stream):
    servers = [service.serve(), service.serve()]
    with open_stream(servers[0]) as answer:
        position = next(read_stream(answer))["id"]
    writers = [threading.Thread(target=write_events, args=(service.database, worker, 400)) for worker in range(4)]
    for writer in writers:
        writer.start()
    seen = []
    for turn in range(30):
        with open_stream(servers[turn % 2], after=position) as answer:
            numbers, last = read_some(answer, read_stream, 20 + turn)
        seen += numbers
        position = last or position
    for writer in writers:
        writer.join()
    record_event_last(service)
    with open_stream(servers[0], after=position) as answer:
        seen += read_some(answer, read_stream, None)[0]

    assert len(seen) == len(set(seen))
    assert sorted(seen) == sorted(f"{worker}-{number}" for worker in range(4) for number in range(400))


def record_event_last(service):
    with psycopg.connect(service.database) as connection:
        record_event(connection, Event(EventKind.TARGET_CREATED))


def test_event_of_a_held_back_transaction_comes_to_an_open_stream(service, read_stream):
    server = service.serve()
    with open_stream(server) as answer, psycopg.connect(service.database) as held_back:
        events = read_stream(answer)
        next(events)
        record(held_back, "late")
        with psycopg.connect(service.database) as connection:
            record(connection, "early")
        early = next(events)
        held_back.commit()
        late = next(events)

    assert [event["data"]["detail"]["number"] for event in (early, late)] == ["early", "late"]
    assert early["data"]["event_id"] > late["data"]["event_id"]
    with open_stream(server, after=early["id"]) as answer:
        events = read_stream(answer)
        next(events)
        assert next(events)["data"] == late["data"]


def test_stream_of_one_run_has_no_others(service, read_stream):
    server = service.serve()
    service.query(
        "INSERT INTO ingest.run (kind, state, sources, target, engine, host, process_id, started_by, program_version)"
        " SELECT 'ingest', 'running', '{a}', 't', 'local', 'h', 1, 'ann', '0' FROM generate_series(1, 2)"
    )
    with psycopg.connect(service.database) as connection:
        for run_id in (1, 2, 1):
            record_event(connection, Event(EventKind.RUN_PLANNED, run_id))
    with open_stream(server, run_id=1, since="beginning") as answer:
        events = read_stream(answer)
        next(events)
        assert [next(events)["data"]["run_id"] for _ in range(2)] == [1, 1]


def test_too_many_streams_are_told_to_poll(service, read_stream):
    server = service.serve(TRADE_INGEST_API_MAX_STREAMS="2")
    streams = [open_stream(server) for _ in range(2)]
    for stream in streams:
        next(read_stream(stream))
    refused = server.call("GET", "/events", headers={"Accept": "text/event-stream"})

    assert (refused.status_code, refused.json()["code"]) == (503, "api.streams_busy")
    assert int(refused.headers["Retry-After"]) > 0
    assert server.get("/runs")["items"] == []  # requests have threads of their own
    for stream in streams:
        stream.close()


def test_place_of_a_client_that_is_gone_is_free_again(service, read_stream, wait_until):
    server = service.serve(TRADE_INGEST_API_MAX_STREAMS="1")
    with open_stream(server) as stream:
        next(read_stream(stream))

    def is_free():
        with psycopg.connect(service.database) as connection:
            record(connection, 0)  # what the server sends finds the client gone
        answer = server.call("GET", "/events", headers={"Accept": "text/event-stream"}, stream=True)
        answer.close()
        return answer.status_code == 200

    wait_until(is_free, "the place is free")


def test_polling_gives_the_same_events_and_304_without_news(service):
    server = service.serve()
    start = server.get("/events")["next_cursor"]
    quiet = server.call("GET", "/events", params={"cursor": start})
    again = server.call("GET", "/events", params={"cursor": start}, headers={"If-None-Match": quiet.headers["ETag"]})
    with psycopg.connect(service.database) as connection:
        for number in range(3):
            record(connection, number)
    first = server.get("/events", params={"cursor": start, "limit": 2})
    rest = server.get("/events", params={"cursor": first["next_cursor"]})

    assert (quiet.json()["items"], again.status_code, again.content) == ([], 304, b"")
    assert [item["detail"]["number"] for item in first["items"] + rest["items"]] == [0, 1, 2]
    assert server.get("/events", params={"since": "beginning"})["items"] == first["items"] + rest["items"]
    assert server.call("GET", "/events", params={"cursor": "x"}).status_code == 400


def test_stream_ends_with_the_server(service, read_stream):
    server = service.serve()
    with open_stream(server) as answer:
        events = read_stream(answer)
        next(events)
        server.process.terminate()
        assert list(events) == []
    assert server.process.wait(40) == 0


@pytest.mark.parametrize("count", [40])
def test_many_streams_at_once_get_every_event(service, read_stream, count):
    server = service.serve()
    streams = [open_stream(server) for _ in range(count)]
    readers = [read_stream(stream) for stream in streams]
    for reader in readers:
        next(reader)
    service.write("XBTUSD.csv", 100)
    server.post("/runs", {"sources": [str(service.folder)], "contract": KRAKEN})
    seen = []
    for reader in readers:
        kinds = []
        for event in reader:
            kinds += [event["event"]] if event["event"] != "progress" else []
            if event["event"] == "run_ended":
                break
        seen.append(kinds)
    for stream in streams:
        stream.close()

    assert seen == [["run_started", "target_created", "run_planned", "file_loaded", "run_ended"]] * count


def test_stream_that_ends_takes_no_other_with_it(service, wait_until):
    upgrade(service.database)
    broadcaster = Broadcaster(service.database, 10)
    first, second = broadcaster.subscribe(), broadcaster.subscribe()
    broadcaster.unsubscribe(second)
    broadcaster.wait(first, 10)  # the thread reads
    with psycopg.connect(service.database) as connection:
        record(connection, 7)

    def received():
        handed, _ = broadcaster.wait(first, 1)
        return [event.detail["number"] for item in handed if item.page for event in item.page.events]

    try:
        assert wait_until(received, "the event comes") == [7]
    finally:
        broadcaster.close()


def test_what_stands_still_is_told_to_who_comes_later(service):
    upgrade(service.database)
    with psycopg.connect(service.database) as connection:
        connection.execute(
            "INSERT INTO ingest.progress (file_id, run_id, stage, bytes_read, size_bytes, rows_read, rows_rejected)"
            " VALUES (4, 1, 'loading', 10, 20, 5, 0)"
        )
    broadcaster = Broadcaster(service.database, 10)

    def progress(listener):
        until = time.monotonic() + 30
        while time.monotonic() < until:
            _, shown = broadcaster.wait(listener, 1)
            if shown:
                return [one.item["file_id"] for one in shown]
        return []

    try:
        assert progress(broadcaster.subscribe()) == [4]
        assert progress(broadcaster.subscribe()) == [4]
    finally:
        broadcaster.close()
