"""The queue of requested runs, shared by servers that may die at any moment."""

import threading

import psycopg
import pytest

from trade_ingest.errors import IdempotencyError, NotInLedgerError
from trade_ingest.ledger.run_requests import (
    MAX_TRIES,
    RequestState,
    ask_for_run,
    ask_to_stop,
    claim_requests,
    end_request,
    get_request,
    keep_request,
    note_run,
    open_requests,
    recover_requests,
    release_request,
)
from trade_ingest.ledger.runs import start_run
from trade_ingest.ledger.schema import upgrade


@pytest.fixture
def connect(database_url):
    """Makes sessions: of servers and of processes of runs."""
    upgrade(database_url)
    opened = []

    def connect():
        opened.append(psycopg.connect(database_url, autocommit=True))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def ledger(connect):
    return connect()


@pytest.fixture
def end(ledger, wait_until):
    """Ends a session, as the death of its process does, and waits until the server has noticed."""

    def end(session):
        pid = session.info.backend_pid
        session.close()
        query = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
        wait_until(lambda: ledger.execute(query, [pid]).fetchone() == (0,), "the session ends")

    return end


def ask(connection, name="a", *, key=None):
    request, is_new = ask_for_run(
        connection, {"sources": [name]}, requested_by="ann", fingerprint=name.encode(), idempotency_key=key
    )
    return request.run_request_id, is_new


def claim(connection, at_most=9):
    return [request.run_request_id for request in claim_requests(connection, at_most=at_most, host="here")]


def states(connection):
    return [state for (state,) in connection.execute("SELECT state FROM ingest.run_request ORDER BY run_request_id")]


def keep(connection, run_request_id, tries=1):
    return keep_request(connection, run_request_id, tries=tries, host="here", process_id=1)


def test_key_gives_the_request_of_the_first_time(ledger):
    first, is_new = ask(ledger, key="k")

    assert is_new
    assert ask(ledger, key="k") == (first, False)
    assert ask(ledger) != ask(ledger)  # without a key each is a new one


def test_key_of_another_request_is_refused(ledger):
    ask(ledger, "a", key="k")

    with pytest.raises(IdempotencyError):
        ask(ledger, "b", key="k")
    assert states(ledger) == ["queued"]


def test_same_key_at_once_makes_one_request(connect, ledger):
    sessions = [connect() for _ in range(6)]
    barrier, found = threading.Barrier(len(sessions)), []

    def send(session):
        barrier.wait()
        found.append(ask(session, key="k"))

    threads = [threading.Thread(target=send, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({request for request, _ in found}) == 1
    assert sorted(is_new for _, is_new in found) == [False] * 5 + [True]


def test_servers_at_once_claim_no_more_than_may_work(connect, ledger):
    wanted = [ask(ledger)[0] for _ in range(6)]
    servers = [connect() for _ in range(4)]
    barrier, claimed = threading.Barrier(len(servers)), []

    def work(server):
        barrier.wait()
        claimed.extend(claim(server, at_most=3))

    threads = [threading.Thread(target=work, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(claimed) == wanted[:3]  # the oldest, each once
    assert states(ledger) == ["starting"] * 3 + ["queued"] * 3


def test_place_is_free_when_a_request_ends(ledger):
    first, second = ask(ledger)[0], ask(ledger)[0]
    assert claim(ledger, at_most=1) == [first]
    assert claim(ledger, at_most=1) == []
    end_request(ledger, first, RequestState.ENDED)

    assert claim(ledger, at_most=1) == [second]


def test_request_of_a_living_server_is_not_recovered(connect, ledger):
    ask(ledger)
    claim(connect())

    assert recover_requests(ledger) == []
    assert states(ledger) == ["starting"]


def test_request_waits_again_when_its_server_died_before_its_process_began(connect, ledger, end):
    wanted, _ = ask(ledger)
    server = connect()
    claim(server)
    end(server)

    assert [request.run_request_id for request in recover_requests(ledger)] == [wanted]
    assert states(ledger) == ["queued"]
    assert claim(ledger) == [wanted]
    assert get_request(ledger, wanted).tries == 2


def test_request_is_kept_by_its_process_when_the_server_dies(connect, ledger, end):
    wanted, _ = ask(ledger)
    server, process = connect(), connect()
    claim(server)
    with keep(process, wanted) as request:
        assert request is not None
        end(server)
        assert recover_requests(ledger) == []
        end(process)

    (recovered,) = recover_requests(ledger)
    assert (recovered.run_request_id, recovered.state) == (wanted, "queued")


def test_request_fails_after_its_last_try(connect, ledger, end):
    wanted, _ = ask(ledger)
    for _ in range(MAX_TRIES):
        server = connect()
        assert claim(server) == [wanted]
        end(server)
        recover_requests(ledger)

    request = get_request(ledger, wanted)
    assert (request.state, request.error["code"]) == ("failed", "run.process_lost")
    assert open_requests(ledger) == []


def failures_told(connection):
    query = "SELECT run_id, detail->'run_request_id', detail->'error'->>'code' FROM ingest.event"
    return connection.execute(f"{query} WHERE kind = 'run_request_failed'").fetchall()


def test_failure_without_a_run_is_an_event(ledger):
    lost, cancelled, ended = (ask(ledger)[0] for _ in range(3))
    for state in (RequestState.FAILED, RequestState.CANCELLED):  # the second time it has ended already
        end_request(ledger, lost, state, {"code": "source.not_found"})
    end_request(ledger, cancelled, RequestState.CANCELLED)
    end_request(ledger, ended, RequestState.ENDED)

    assert failures_told(ledger) == [(None, lost, "source.not_found")]


def test_failure_of_a_request_that_has_a_run_is_left_to_the_run(ledger):
    wanted, _ = ask(ledger)
    run_id = start_run(ledger, "ingest", sources=["a"], contract_id=None, target="t", engine="local", options={})
    note_run(ledger, wanted, run_id)
    end_request(ledger, wanted, RequestState.FAILED, {"code": "database"})

    assert failures_told(ledger) == []


def test_request_that_failed_after_its_last_try_is_an_event(connect, ledger, end):
    wanted, _ = ask(ledger)
    for number in range(MAX_TRIES):
        assert (number, failures_told(ledger)) == (number, [])
        server = connect()
        claim(server)
        end(server)
        recover_requests(ledger)

    assert failures_told(ledger) == [(None, wanted, "run.process_lost")]


def test_process_that_was_taken_for_dead_does_nothing(connect, ledger):
    wanted, _ = ask(ledger)
    server = connect()
    claim(server)
    release_request(server, wanted)
    recover_requests(ledger)
    claim(ledger)

    with keep(connect(), wanted, tries=1) as request:
        assert request is None
    with keep(connect(), wanted, tries=2) as request:
        assert request is not None


def test_waiting_request_is_cancelled_at_once(ledger):
    wanted, _ = ask(ledger)
    request = ask_to_stop(ledger, wanted)

    assert (request.state, request.ended_at is None) == ("cancelled", False)
    assert claim(ledger) == []


def test_request_at_work_is_asked_to_stop_and_not_begun_again(connect, ledger, end):
    wanted, _ = ask(ledger)
    server = connect()
    claim(server)
    request = ask_to_stop(ledger, wanted)
    assert (request.state, request.stop_requested_at is None) == ("starting", False)
    end(server)
    recover_requests(ledger)

    assert states(ledger) == ["failed"]


def test_unknown_request_is_said_so(ledger):
    with pytest.raises(NotInLedgerError):
        get_request(ledger, 1)
