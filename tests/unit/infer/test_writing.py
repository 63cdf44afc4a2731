import pytest

from trade_ingest.contract.document import read_document
from trade_ingest.infer.writing import scalar


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "No",
        "null",
        "~",
        "a: b",
        "it's",
        '"x"',
        "",
        " lead",
        "1e5",
        "2024-01-02",
        "\t",
        "\u00a0",
        "#x",
        "%d",
        "{a}",
        "成交",
    ],
)
def test_scalars_are_read_back_as_they_were(text):
    document = read_document(f"key: {scalar(text)}\n", origin="test")

    assert document.data == {"key": text}
    assert document.problems == ()
