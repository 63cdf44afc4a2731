"""Answers are made once for a state of the database, and are no older than some seconds."""

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


def test_an_answer_is_the_same_until_something_is_written(make):
    memory = Remembered()
    answers = [memory.answer("a", snapshot, make) for snapshot in ("7:7:", "7:7:", "7:9:7", "9:9:")]
    assert answers == ["answer 1", "answer 1", "answer 2", "answer 3"]


def test_another_question_has_another_answer(make):
    memory = Remembered()
    assert [memory.answer(question, "7:7:", make) for question in ("a", "b", "a")] == [
        "answer 1",
        "answer 2",
        "answer 1",
    ]


def test_an_old_answer_is_made_again(make, monkeypatch):
    memory = Remembered()
    memory.answer("a", "7:7:", make)
    monkeypatch.setattr(remembered, "REMEMBERED_SECONDS", -1)
    assert memory.answer("a", "7:7:", make) == "answer 2"


def test_nobody_waits_for_an_answer_that_another_makes(make):
    memory = Remembered()

    def slow():
        return f"{memory.answer('a', '7:7:', make)}, then the slow one"

    assert memory.answer("a", "7:7:", slow) == "answer 1, then the slow one"


def test_an_answer_that_fails_is_not_remembered(make):
    memory = Remembered()
    with pytest.raises(ZeroDivisionError):
        memory.answer("a", "7:7:", lambda: 1 / 0)
    assert memory.answer("a", "7:7:", make) == "answer 1"


def test_the_questions_are_bounded(make, monkeypatch):
    monkeypatch.setattr(remembered, "_MOST", 2)
    memory = Remembered()
    for question in ("a", "b", "a", "c", "a"):
        memory.answer(question, "7:7:", make)
    assert [memory.answer(question, "7:7:", make) for question in ("c", "b")] == ["answer 3", "answer 5"]
