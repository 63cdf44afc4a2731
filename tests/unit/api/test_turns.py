"""Requests take turns: in order, one at a time while they are short, and a long one keeps nobody waiting."""

import threading
import time

from flask import Flask

from trade_ingest.api import turns as turns_module
from trade_ingest.api.turns import Turns


def started(target):
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def test_turns_are_given_in_the_order_in_which_they_are_asked_for():
    turns = Turns(seconds=60)
    order = []
    first = turns.take()

    def work(number):
        turn = turns.take()
        order.append(number)
        turns.give_back(turn)

    threads = []
    for number in range(8):
        threads.append(started(lambda number=number: work(number)))
        while len(turns._waiting) <= number:  # who came first is what is tested
            time.sleep(0.001)
    assert order == []
    turns.give_back(first)
    for thread in threads:
        thread.join(10)

    assert order == list(range(8))
    assert turns.take() is not None  # it is free again


def test_who_takes_longer_than_a_turn_goes_on_beside_the_next():
    turns = Turns(seconds=0.05)
    long = turns.take()
    second = turns.take()  # returns, though nobody gave a turn back
    third = turns.take()

    turns.give_back(long)
    turns.give_back(second)  # both were over: the third one still has its turn
    assert turns._current is third
    turns.give_back(third)
    assert turns._current is None


def test_a_request_that_fails_gives_its_turn_back(monkeypatch):
    monkeypatch.setattr(turns_module, "TURN_SECONDS", 60)
    app = Flask(__name__)
    turns_module.install(app)

    @app.get("/")
    def fail():
        raise RuntimeError

    client = app.test_client()
    assert [client.get("/").status_code for _ in range(3)] == [500, 500, 500]
