import gzip

import pytest

from trade_ingest.check import CheckedReject, FileCheck, ReasonCount, check
from trade_ingest.contract.loading import parse_contract
from trade_ingest.contract.model import RejectLimit
from trade_ingest.errors import SourceNotFoundError
from trade_ingest.parse.reject import Reason

CONTRACT = """
name: tick
version: 1
format: {{delimiter: ","{format}}}
columns:
  - {{name: tick_id, type: integer}}
  - {{name: price, type: "decimal(12,2)", min: 0}}
  - {{name: traded_at, type: timestamp, zone: UTC}}
event_time: traded_at
target: {{table: tick}}
rejects: {{max_count: 2, max_ratio: 0}}
"""
HEADER = "tick_id,price,traded_at\n"
GOOD = "1,10.50,2024-03-04 09:00:00\n"


def checked(path, content, *, format_keys="", **options):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    contract = parse_contract(CONTRACT.format(format=format_keys), origin="tick.yaml")
    (result,) = check([str(path)], contract=contract, **options)
    return result


def test_good_file_passes(tmp_path):
    path = tmp_path / "a.csv"

    assert checked(path, HEADER + GOOD * 3) == FileCheck(
        uri=str(path),
        size_bytes=108,
        rows_read=3,
        rows_accepted=3,
        rows_rejected=0,
        records_ignored=0,
        reasons=(),
        rejects=(),
        error=None,
    )


def test_reject_has_place_reason_and_mark(tmp_path):
    result = checked(tmp_path / "a.csv", HEADER + GOOD + "x,-1,2024-03-04 09:00:00\n" + GOOD)

    assert (result.rows_read, result.rows_accepted, result.rows_rejected, result.passes) == (3, 2, 1, True)
    assert result.reasons == (ReasonCount("below_min", "price", 1), ReasonCount("invalid_integer", "tick_id", 1))
    assert result.rejects == (
        CheckedReject(
            row_number=2,
            byte_offset=len(HEADER) + len(GOOD),
            raw_text="x,-1,2024-03-04 09:00:00",
            reasons=(Reason("invalid_integer", "tick_id", "x"), Reason("below_min", "price", "-1")),
            marks=((0, 1), (2, 4)),
        ),
    )


def test_only_the_first_rejects_are_kept_but_all_are_counted(tmp_path):
    result = checked(tmp_path / "a.csv", HEADER + "x,1,2024-03-04 09:00:00\n" * 50, limit=3)

    assert [reject.row_number for reject in result.rejects] == [1, 2, 3]
    assert result.reasons == (ReasonCount("invalid_integer", "tick_id", 50),)


def test_file_over_the_reject_limit_fails(tmp_path):
    path = tmp_path / "a.csv"
    content = HEADER + GOOD + "x,1,2024-03-04 09:00:00\n" * 3

    result = checked(path, content)

    assert result.error is not None
    assert (result.error.code, result.error.message) == (
        "file.reject_limit",
        f"{path}: 3 of 4 rows rejected, more than 2 and 0.00%",
    )
    assert checked(path, content, reject_limit=RejectLimit(max_count=3, max_ratio=0)).passes


def test_blocks_do_not_matter(tmp_path):
    content = HEADER + (GOOD + "x,1,2024-03-04 09:00:00\n") * 40

    assert checked(tmp_path / "a.csv", content, block_bytes=64) == checked(tmp_path / "a.csv", content)


def test_empty_file_and_header_only_file_pass(tmp_path):
    assert checked(tmp_path / "a.csv", "").passes
    assert checked(tmp_path / "b.csv", HEADER).passes


def test_wrong_header_fails_with_what_was_found(tmp_path):
    result = checked(tmp_path / "a.csv", "tick_id,prize,traded_at\n")

    assert result.error is not None
    assert result.error.code == "file.header"
    assert "column 'price' is missing (is it 'prize'?)" in result.error.message


def test_cut_off_trailer_fails(tmp_path):
    keys = ", trailer: {pattern: 'END (?P<rows>[0-9]+)'}"

    assert checked(tmp_path / "a.csv", HEADER + GOOD + "END 1\n", format_keys=keys).passes
    result = checked(tmp_path / "a.csv", HEADER + GOOD + "END 2\n", format_keys=keys)
    assert result.error is not None
    assert result.error.code == "file.trailer"


def test_broken_compression_fails_with_the_rows_so_far(tmp_path):
    packed = gzip.compress((HEADER + GOOD * 100_000).encode())

    result = checked(tmp_path / "a.csv.gz", packed[: len(packed) // 2], block_bytes=1 << 16)

    assert result.error is not None
    assert result.error.code == "file.corrupt"
    assert 0 < result.rows_read == result.rows_accepted < 100_000


def test_source_without_files_is_refused_at_once(tmp_path):
    contract = parse_contract(CONTRACT.format(format=""), origin="tick.yaml")

    with pytest.raises(SourceNotFoundError):
        check([str(tmp_path / "*.csv")], contract=contract)
