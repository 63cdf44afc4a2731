import pytest

from trade_ingest.infer.encoding import decoded, guess_encoding

TEXTS = {
    "ascii": ("symbol,price\nABC,1.5\n", "ascii", "utf-8"),
    "utf-8": ("Bezeichnung,Kurs\nMünchener Rück,1.5\n", "utf-8", "utf-8"),
    "latin": ("Bezeichnung;Kurs\nMünchener Rück;1,5\nGebühr für Überweisung;2,5\n", "latin-1", "latin-1"),
    "windows": ("Name;Betrag\nGebühr “Börse”;5 €\n", "cp1252", "cp1252"),
    "simplified": ("交易时间,价格,数量,方向\n2024-01-02,1.5,10,买\n", "gbk", "gb18030"),
    "traditional": ("成交日期,商品代號,成交時間,成交價格,成交數量\n20240102,TX,084500,17000,2\n", "big5", "cp950"),
    "wide": ("symbol,price\nABC,1.5\n", "utf-16-le", "utf-16-le"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_encoding_is_the_one_that_reads_as_text(name):
    text, written, expected = TEXTS[name]
    data = text.encode(written)

    found = guess_encoding(data)

    assert found.name == expected
    assert decoded(data, found.name) == text


@pytest.mark.parametrize("written", ["utf-8-sig", "utf-16"])
def test_byte_order_mark_is_certain_and_no_text(written):
    data = "a,b\n1,ü\n".encode(written)

    found = guess_encoding(data)

    assert found.is_certain
    assert "byte order mark" in found.reason
    assert decoded(data, found.name) == "a,b\n1,ü\n"


def test_character_that_is_cut_off_is_no_reason_against_utf_8():
    assert guess_encoding("price,€".encode()[:-1]).name == "utf-8"
