"""Answers are made once for a state of the ledger, however many ask, and no older than some seconds."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from trade_ingest.api import remembered
from trade_ingest.api.remembered import Remembered


@pytest.fixture
def made():
    return []


@pytest.fixture
def make(made):
    def make():
        made.append(1)
        return f"answer {len(made)}"

    return make


def test_an_answer_is_the_same_until_something_happens(make):
    memory = Remembered()
    answers = [memory.answer("a", event_id, make) for event_id in (7, 7, 8, 8)]
    assert answers == ["answer 1", "answer 1", "answer 2", "answer 2"]


def test_another_question_has_another_answer(make):
    memory = Remembered()
    assert [memory.answer(question, 7, make) for question in ("a", "b", "a")] == ["answer 1", "answer 2", "answer 1"]


def test_an_old_answer_is_made_again(make, monkeypatch):
    memory = Remembered()
    memory.answer("a", 7, make)
    monkeypatch.setattr(remembered, "REMEMBERED_SECONDS", -1)
    assert memory.answer("a", 7, make) == "answer 2"


def test_many_who_ask_at_once_wait_for_one_answer(made):
    memory = Remembered()
    is_asked = threading.Barrier(8)

    def slow():
        time.sleep(0.2)
        made.append(1)
        return "answer"

    def ask(_):
        is_asked.wait(10)
        return memory.answer("a", 7, slow)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == ["answer"] * 8
    assert len(made) == 1


def test_an_answer_that_fails_is_not_remembered(make):
    memory = Remembered()
    with pytest.raises(ZeroDivisionError):
        memory.answer("a", 7, lambda: 1 / 0)
    assert memory.answer("a", 7, make) == "answer 1"


def test_the_questions_are_bounded(make, monkeypatch):
    monkeypatch.setattr(remembered, "_MOST", 2)
    memory = Remembered()
    for question in ("a", "b", "a", "c"):
        memory.answer(question, 7, make)
    assert [memory.answer(question, 7, make) for question in ("a", "b")] == ["answer 1", "answer 4"]
