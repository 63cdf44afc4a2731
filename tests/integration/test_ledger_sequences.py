"""Whatever is loaded, replaced, rolled back and replayed, in whatever order: the ledger agrees with the target."""

import random
from collections import Counter

import pytest

from trade_ingest.contract.model import OnChanged
from trade_ingest.errors import RollbackRefusedError
from trade_ingest.ledger.rejects import RejectFilter
from trade_ingest.reconcile import reconcile
from trade_ingest.replay import replay
from trade_ingest.rollback import rollback


def _loosened(contract):
    columns = tuple(c.model_copy(update={"min": None}) if c.name == "price" else c for c in contract.columns)
    return contract.model_copy(update={"version": 2, "columns": columns})


class _Script:
    """Random steps over three files whose rows overlap, conflict and are rejected."""

    def __init__(self, desk, seed):
        self._desk = desk
        self._random = random.Random(seed)
        self.log = []

    def write(self):
        name = self._random.choice(["a.csv", "b.csv", "c.csv"])
        lines = [
            self._desk.line(f"T{self._random.randrange(12)}", price=self._random.choice(["1", "1", "1", "2", "-1"]))
            for _ in range(self._random.randrange(5))
        ]
        self._desk.write(name, lines)
        return name

    def load(self):
        policy = self._random.choice([OnChanged.REPLACE, OnChanged.REPLACE, OnChanged.APPEND])
        result = self._desk.ingest(self.write(), on_changed=policy, reload=self._random.random() < 0.5)
        assert result.files_failed == 0, result.as_dict()

    def load_again(self):
        assert self._desk.ingest(reload=True).files_failed == 0

    def roll_back(self):
        ids = [row[0] for row in self._desk.query("SELECT file_id FROM ingest.file ORDER BY file_id")]
        chosen = self._random.sample(ids, k=min(len(ids), self._random.choice([1, 1, 2])))
        if not chosen:
            return
        try:
            rollback(self._desk.database, file_ids=chosen)
        except RollbackRefusedError as refusal:
            self.log.append(str(refusal))

    def replay(self):
        wanted = self._random.choice([RejectFilter(), RejectFilter(reason="key_conflict")])
        replay(self._desk.database, wanted=wanted)

    def replay_loosened(self):
        replay(self._desk.database, contract=_loosened(self._desk.contract))

    def run(self, count):
        steps = [self.load, self.load, self.load_again, self.roll_back, self.roll_back]
        steps += [self.replay, self.replay_loosened]
        self.load()
        for _ in range(count):
            step = self._random.choice(steps)
            self.log.append(step.__name__)
            step()
            result = reconcile(self._desk.database)
            assert result.mismatches == (), (self.log, [str(m) for m in result.mismatches])


@pytest.mark.parametrize("has_key", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_ledger_reconciles_after_each_step_of_any_sequence(desk, print_desk, seed, has_key):
    desk = desk if has_key else print_desk
    _Script(desk, seed).run(15)
    states = Counter(dict(desk.query("SELECT state, count(*) FROM ingest.file GROUP BY state")))
    loaded = desk.query(
        f"SELECT count(*) FROM {desk.contract.target.table} AS t JOIN ingest.file AS f USING (file_id)"
        " WHERE f.state = 'loaded'"
    )
    assert loaded == desk.query(f"SELECT count(*) FROM {desk.contract.target.table}"), states


def test_rolling_all_files_back_newest_first_leaves_nothing(desk):
    script = _Script(desk, 99)
    for _ in range(8):
        script.load()
    newest = "SELECT file_id FROM ingest.file WHERE state = 'loaded' ORDER BY loaded_at DESC LIMIT 1"
    while loaded := desk.query(newest):
        rollback(desk.database, file_ids=[loaded[0][0]])
        assert reconcile(desk.database).mismatches == ()
    assert desk.rows() == []
    assert desk.query("SELECT count(*) FROM fill_replaced") == [(0,)]
