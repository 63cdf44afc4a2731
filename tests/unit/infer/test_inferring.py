"""Whole proposals: every layout of the vendors, every generated feed, and what is said of them."""

from pathlib import Path

import pytest
import yaml

from generated_feeds import can_be_generated
from trade_ingest.check import check
from trade_ingest.contract.loading import load_contract, parse_contract
from trade_ingest.errors import InferenceError
from trade_ingest.generate import generate
from trade_ingest.infer.inferring import infer
from vendor_feeds import FEEDS

ROOT = Path(__file__).parents[3]
FOLDERS = (
    ROOT / "tests" / "unit" / "generate" / "contracts",
    ROOT / "docs" / "examples" / "contracts",
    ROOT / "src" / "trade_ingest" / "contract" / "builtin",
)
CONTRACTS = {path.stem: path for folder in FOLDERS for path in sorted(folder.glob("*.yaml"))}


def inferred(tmp_path, text, name="feed.csv"):
    path = tmp_path / name
    path.write_text(text)
    return infer([str(path)])


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_layouts_of_vendors_load_by_the_proposed_contract(tmp_path, feed):
    path = tmp_path / feed.file
    path.write_bytes(feed.content)

    proposal = infer([str(path)])

    assert proposal.kind == feed.kind
    target = proposal.contract.target
    assert (target.table if target.layout else None) == feed.target
    (result,) = check([str(path)], contract=parse_contract(proposal.text, origin="proposed"))
    assert (result.error, result.rows_rejected, result.reasons) == (None, 0, ())
    assert result.rows_read >= 59


@pytest.mark.parametrize("name", [name for name in sorted(CONTRACTS) if can_be_generated(CONTRACTS[name])])
def test_generated_feeds_load_entirely_by_the_proposed_contract(tmp_path, name):
    generate(load_contract(str(CONTRACTS[name])), tmp_path, rows=400, files=1)

    proposal = infer([str(tmp_path)])

    results = list(check([str(tmp_path)], contract=proposal.contract))
    assert [(r.error, r.rows_rejected) for r in results] == [(None, 0)] * len(results)
    assert sum(r.rows_read for r in results) >= 390


def test_proposal_is_yaml_with_its_evidence(tmp_path):
    rows = "".join(
        f"{1704067200123 + i * 1000},A,{100 + i % 3}.5,{i % 5 + 1},{['buy', 'sell'][i % 2]}\n" for i in range(200)
    )
    proposal = inferred(tmp_path, "timestamp,symbol,price,amount,side\n" + rows)

    assert "# 200 of 200 cells; 1704067200123: epoch milliseconds, 2024-01-01 to 2024-01-01" in proposal.text
    assert "constant: unknown # CONFIRM: put in the venue's name" in proposal.text
    assert proposal.confirm == ("venue: put in the venue's name",)
    assert yaml.safe_load(proposal.text)["columns"][2]["name"] == "executed_at"
    assert (proposal.rows_read, proposal.rows_accepted) == (200, 200)


def test_zone_of_local_times_is_to_be_confirmed(tmp_path):
    proposal = inferred(tmp_path, "time,price,size\n" + "2024-03-04 09:30:00,1.5,2\n2024-03-04 09:30:01,1.6,2\n")

    assert "zone: UTC # CONFIRM: the cells have no offset" in proposal.text


def test_id_is_a_key_only_where_it_is_unique(tmp_path):
    row = "{},2024-03-04T09:30:00Z,1.5,2\n"
    unique = inferred(tmp_path, "id,time,price,qty\n" + "".join(row.format(i) for i in range(30)))
    repeated = inferred(tmp_path, "id,time,price,qty\n" + "".join(row.format(i % 9) for i in range(30)))

    assert unique.contract.key == ("trade_id", "symbol", "venue")
    assert "30 different values in 30 rows" in unique.text
    assert repeated.contract.key == ()
    assert repeated.key.identical_rows == 21
    assert any("identical rows: 21 of 30" in trap for trap in repeated.traps)


@pytest.mark.parametrize(
    ("text", "trap"),
    [
        ("time,price,qty,id\n2024-03-04T09:30:00Z,1.5,2,007\n", "leading zeros"),
        ("time,price,qty,id\n2024-03-04T09:30:00Z,1.5,2,4202588328000000101\n", "over 15 digits"),
        ("time,price,qty\n2024-03-04T09:30:00Z,-0.5,2\n2024-03-04T09:30:01Z,0,2\n", "2 prices at or below zero"),
        ("time,price,qty\n2024-03-04T09:30:00Z,1e-8,2\n", "scientific notation"),
        ("time,price,qty\n2024-03-04T09:30:01Z,1,2\n2024-03-04T09:30:00Z,1,2\n", "not in order"),
        ("time,price,qty,x\n2024-03-04T09:30:01Z,1,2,\n", "always empty: 'x'"),
        ("time;price;qty\n2024-03-04T09:30:01Z;1,5;2\n2024-03-04T09:30:02Z;1,75;2\n", "decimal comma"),
        ("time,price,qty\n2024-03-04T09:30:01Z,1,2\nTotal,1,2\n", "the last line is 'Total,1,2'"),
        ("date,price,qty\n01/02/2024,1,2\n", "day/month or month/day"),
        ("date,price,qty\n21/02/2024,1,2\n2024-02-22,1,2\n", "mixed date styles"),
        ("time,price,qty\n1704067200123,1,2\n1735689600010866,1,2\n", "the unit of 'time' changes"),
    ],
)
def test_traps_are_told(tmp_path, text, trap):
    proposal = inferred(tmp_path, text)

    assert any(trap in told for told in proposal.traps), proposal.traps
    assert proposal.rows_read == proposal.rows_accepted > 0
    assert proposal.problem == ""


def test_mixed_date_styles_are_read_by_sql(tmp_path):
    text = "date,price,qty\n21/02/2024,1,2\n2024-02-22,1,2\n"
    (result,) = check([str(tmp_path)], contract=inferred(tmp_path, text).contract)

    assert (result.rows_accepted, result.error) == (2, None)


def test_rows_without_a_time_are_passed_over_and_said_so(tmp_path):
    rows = "".join(f"{'2024-03-04T09:30:00Z' if i % 3 else ''},{i},{i}\n" for i in range(90))

    proposal = inferred(tmp_path, "time,price,qty\n" + rows)

    assert "CONFIRM: records without 'time' are no rows" in proposal.text
    assert (proposal.rows_read, proposal.rows_accepted) == (60, 60)


def test_header_that_cannot_name_columns_is_passed_over(tmp_path):
    proposal = inferred(tmp_path, "time,price,,\n2024-03-04T09:30:00Z,1.5,EUR,1\n2024-03-04T09:30:01Z,1.5,EUR,1\n")

    assert "header: false # there is one, but its names do not tell the columns apart" in proposal.text
    assert proposal.rows_accepted == 2


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ts,action,price,size\n1704067200123,A,1,2\n1704067200124,C,1,2\n", "order events"),
        ("exchange,symbol,timestamp,is_snapshot,side,price,amount\nx,A,1704067200123,true,bid,1,2\n", "order events"),
        ("ts,bids[0].price,bids[0].amount,asks[0].price,asks[0].amount\n1704067200123,1,2,1.1,2\n", "order events"),
        ("symbol,time,bid_price,bid_size,ask_price,ask_size\nA,1704067200123,1,2,1.1,2\n", "quotes"),
        ("date,open,high,low,close,volume\n2024-01-02,1,2,1,2,5\n2024-01-03,1,2,1,2,5\n", "bars"),
        ("product,high,low,settle,total_volume\nA,2,1,1,5\nB,2,1,1,5\n", "summaries"),
        ("date,type,amount\n2024-01-02,Deposit,5\n2024-01-03,Dividend,1\n", "account statement"),
        ("a,b\nx,y\nz,w\n", "rows of an unknown kind"),
    ],
)
def test_files_that_hold_no_trades_are_called_so(tmp_path, text, kind):
    proposal = inferred(tmp_path, text)

    assert proposal.kind == kind
    assert proposal.contract.target.layout is None
    assert proposal.rows_accepted == proposal.rows_read > 0


def test_builtin_contract_that_certainly_fits_comes_first(tmp_path):
    generate(load_contract("trade_event"), tmp_path, rows=300, files=1)

    proposal = infer([str(tmp_path)])

    assert proposal.builtin == "trade_event"
    assert proposal.text.startswith("# The built-in contract trade_event fits (")


def test_samples_must_be_of_one_layout(tmp_path):
    (tmp_path / "a.csv").write_text("time,price\n2024-03-04T09:30:00Z,1\n")
    (tmp_path / "b.csv").write_text("time,price,qty\n2024-03-04T09:30:00Z,1,2\n")

    with pytest.raises(InferenceError, match="3 cells delimited by ',', not 2") as caught:
        infer([str(tmp_path)])
    assert "one feed" in caught.value.hint


def test_several_samples_are_looked_at_together(tmp_path):
    (tmp_path / "a.csv").write_text("time,price,qty\n2024-03-04T09:30:00Z,1,2\n")
    (tmp_path / "b.csv").write_text("time,price,qty\n2024-03-04T09:30:00Z,1.25,2\n")

    proposal = infer([str(tmp_path)])

    assert (len(proposal.uris), proposal.rows_accepted) == (2, 2)


def test_same_sample_gives_the_same_proposal(tmp_path):
    text = "date,price,qty\n01/02/2024,1,2\n02/03/2024,1,2\n"

    assert inferred(tmp_path, text).text == inferred(tmp_path, text).text
