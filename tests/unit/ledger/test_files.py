import json

import pytest

from trade_ingest.ledger.files import json_text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain é", "plain é"),
        ("a\0b", "a\\x00b"),
        ("\\\0", "\\\\x00"),
        ("\\u0000", "\\u0000"),  # as text, not as an escape: a cell may say so
        ("\\\\u0000\0", "\\\\u0000\\x00"),
    ],
)
def test_json_holds_no_nul_and_is_json_whatever_a_cell_says(text, kept):
    assert json.loads(json_text([text])) == [kept]
    assert "\\u0000" not in json_text([text]).replace("\\\\", "")


def test_nothing_has_no_json():
    assert json_text(None) is None
