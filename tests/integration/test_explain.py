import shlex
from pathlib import Path

import pytest

from trade_ingest.contract.model import OnChanged
from trade_ingest.errors import UsageError
from trade_ingest.explain import explain
from trade_ingest.pipeline import baseline
from trade_ingest.plan import PlanReason
from trade_ingest.rollback import rollback


def told(desk, uri):
    """The sentences of an explanation, versions newest first, and of the next run."""
    explanation = explain(desk.database, uri)
    following = explanation.next_run
    return [v.sentence for v in explanation.versions], following and (following.reason, following.sentence)


def at(file):
    return f"{file.loaded_at:%Y-%m-%d %H:%M:%S} UTC"


def test_loaded_file(desk):
    file = desk.load("a.csv", [desk.line("A1"), desk.line("A2", price="-1")])
    explanation = explain(desk.database, file.uri)
    (version,) = explanation.versions
    assert version.file == file
    assert version.sentence == f"loaded by run 1 at {at(file)} (1 of 2 rows; 1 rejected)"
    assert version.hint == f"see the rejects with: trade-ingest rejects --file {file.file_id}"
    assert [(a.number, a.state) for a in version.attempts] == [(1, "loaded")]
    assert explanation.sentence == version.sentence
    assert (explanation.next_run.reason, explanation.next_run.is_loaded) == (PlanReason.ALREADY_LOADED, False)
    assert explanation.next_run.sentence.startswith("would be skipped: this version is loaded")


def test_file_with_the_content_of_another(desk):
    original = desk.load("a.csv", [desk.line("A1")])
    twin = desk.load("b.csv", [desk.line("A1")])
    sentences, (reason, _) = told(desk, twin.uri)
    assert sentences == [f"skipped by run 2: same content as file {original.file_id} ({original.uri})"]
    assert reason == PlanReason.SAME_CONTENT


def test_both_versions_of_a_replaced_file(desk):
    old = desk.load("a.csv", [desk.line("A1")])
    new = desk.load("a.csv", [desk.line("A1", price="2")])
    sentences, _ = told(desk, new.uri)
    assert sentences == [
        f"loaded by run 2 at {at(new)}, in place of file {old.file_id} (1 of 1 rows)",
        f"loaded by run 1, then replaced by file {new.file_id}: its rows are kept aside",
    ]


def test_failed_file_with_its_error_and_hint(desk):
    uri = desk.write("a.csv", [], header="no,such")
    desk.ingest()
    explanation = explain(desk.database, uri)
    (version,) = explanation.versions
    assert version.sentence.startswith(f"failed in run 1 because {uri}: header does not fit contract fill")
    assert version.sentence.endswith("(file.header)")
    assert version.hint
    assert explanation.next_run.reason == PlanReason.RETRY
    assert explanation.next_run.sentence.startswith("would be loaded: it was not loaded before")


def test_rolled_back_file_with_the_command_that_loads_it_again(desk):
    file = desk.load("my file.csv", [desk.line("A1")])
    rollback(desk.database, file_ids=[file.file_id])
    explanation = explain(desk.database, file.uri)
    assert explanation.sentence.startswith("loaded by run 1, then rolled back by run 2 at 20")
    command = f"trade-ingest run --reload {shlex.quote(file.uri)} --contract fill"
    assert explanation.versions[0].hint == f"load it again with: {command}"
    assert explanation.next_run.reason == PlanReason.ROLLED_BACK


def test_changed_file_under_each_policy(desk):
    file = desk.load("a.csv", [desk.line("A1")])
    desk.write("a.csv", [desk.line("A1", price="2")])
    assert told(desk, file.uri)[1][0] == PlanReason.CHANGED
    skipping = desk.contract.model_copy(update={"on_changed": OnChanged.SKIP})
    following = explain(desk.database, file.uri, contract=skipping).next_run
    assert following.reason == PlanReason.CHANGED_SKIPPED
    assert following.sentence.startswith(
        "would be skipped: its content has changed, and the contract skips changed files"
    )


def test_baseline_file(desk):
    uri = desk.write("a.csv", [desk.line("A1")])
    baseline([uri], contract=desk.contract, database=desk.database)
    sentences, (reason, sentence) = told(desk, uri)
    assert sentences == ["marked as loaded by the baseline of run 1: its rows were not read"]
    assert reason == PlanReason.BASELINE
    assert sentence.startswith("would be skipped: a baseline marked it as loaded")


def test_file_that_the_ledger_does_not_know(desk):
    uri = desk.write("a.csv", [desk.line("A1")])
    explanation = explain(desk.database, uri, contract=desk.contract)
    assert (explanation.versions, explanation.next_run.is_loaded) == ((), True)
    assert explanation.sentence == "not in the ledger: would be loaded: it is new"
    Path(uri).unlink()
    explanation = explain(desk.database, uri)
    assert explanation.sentence == "not in the ledger, and no such file is there"
    assert explanation.next_run is None
    with pytest.raises(UsageError, match="is a folder"):
        explain(desk.database, str(desk.folder))


def test_path_that_is_not_known_is_told_what_resembles_it(desk, tmp_path):
    names = [f"2024-{month:02}-{day:02}.csv" for month in (1, 2, 11) for day in range(1, 29)]
    for name in names:
        desk.write(name, [desk.line(name)])
    baseline([str(desk.folder)], contract=desk.contract, database=desk.database)
    similar = explain(desk.database, str(desk.folder / "2024-2-17.csv")).similar
    assert similar[0] == str(desk.folder / "2024-02-17.csv")
    assert len(similar) == 3
    elsewhere = "/" + "z" * 200 + "/2024-11-05.csv"
    assert explain(desk.database, elsewhere).similar == (str(desk.folder / "2024-11-05.csv"),)
    assert explain(desk.database, "/" + "z" * 200).similar == ()
    known = explain(desk.database, str(desk.folder / names[0]))
    assert (known.similar, known.next_run.reason) == ((), PlanReason.BASELINE)
