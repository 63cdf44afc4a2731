import pytest

from trade_ingest.errors import InferenceError
from trade_ingest.infer.dialect import cells_of, find_dialect
from trade_ingest.infer.header import is_header, snake_names
from trade_ingest.infer.sample import read_samples


def dialect_of(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode())
    (sample,) = read_samples([str(path)])
    return find_dialect(sample)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~"])
def test_delimiter_is_the_one_that_gives_all_lines_the_same_cells(tmp_path, delimiter):
    text = "\n".join(delimiter.join(row) for row in (["time", "price", "qty"], *[["09:30", "1.5", "2"]] * 5)) + "\n"

    found = dialect_of(tmp_path, text)

    assert (found.delimiter, found.width, found.header) == (delimiter, 3, ("time", "price", "qty"))


def test_decimal_commas_do_not_delimit(tmp_path):
    found = dialect_of(tmp_path, "Datum;Kurs;Menge\n" + "02.01.2024;1,50;2,25\n" * 9)

    assert (found.delimiter, found.width) == (";", 3)


def test_commas_in_quotes_do_not_delimit(tmp_path):
    found = dialect_of(tmp_path, 'id,amount,ccy\n1,"27,000,000+",EUR\n2,"28,000,000",EUR\n')

    assert (found.quote, found.width) == ('"', 3)


def test_lines_before_the_header_are_its_preamble(tmp_path):
    found = dialect_of(
        tmp_path, "Name: JANE\nDate: 2024-01-02\n\nTXID,Time,Price\na,2024-01-02,1.5\nb,2024-01-02,1.6\n"
    )

    assert (found.preamble_lines, found.header) == (3, ("TXID", "Time", "Price"))


def test_padded_preamble_is_told_from_the_header_by_its_empty_cells(tmp_path):
    text = "Conto: X,,,\nDal: 01-01-2022,,,\n,,,\nData,Ticker,Isin,Importo\n02-01-2024,AV,IT1,1.5\n"

    assert dialect_of(tmp_path, text).preamble_lines == 3


def test_first_line_of_values_is_no_header(tmp_path):
    found = dialect_of(tmp_path, "34200.0042,1,16113575,18,5853300,1\n" * 3)

    assert (found.header, found.preamble_lines, found.width) == (None, 0, 6)


def test_comments_and_rules_are_no_rows(tmp_path):
    found = dialect_of(tmp_path, "date,price\n----------,-----\n# a note\n20240102,1.5\n20240103,1.6\n")

    assert found.comment_prefix == "#"
    assert len(found.ignored) == 1
    assert found.header == ("date", "price")


def test_text_without_a_delimiter_is_refused(tmp_path):
    with pytest.raises(InferenceError, match="no delimiter") as caught:
        dialect_of(tmp_path, "20240102ABC00012\n20240102XYZ00013\n")

    assert "fixed width" in caught.value.hint


def test_lines_that_end_with_cr_alone_are_refused(tmp_path):
    with pytest.raises(InferenceError, match="CR alone"):
        dialect_of(tmp_path, "time,price\r2024-03-04,1\r")


def test_header_may_have_a_name_twice(tmp_path):
    assert dialect_of(tmp_path, "time,price,price\n2024-03-04T09:30:00Z,1,2\n").header == ("time", "price", "price")


def test_empty_files_are_refused(tmp_path):
    with pytest.raises(InferenceError, match="no content"):
        dialect_of(tmp_path, "\n\n")


def test_cells_are_unquoted():
    assert cells_of('a,"b,""c""",', ",", '"') == ["a", 'b,"c"', ""]


def test_names_without_values_below_are_a_header_if_none_is_among_them():
    assert is_header(["symbol", "side"], [["ABC", "buy"]])
    assert not is_header(["ABC", "buy"], [["XYZ", "buy"]])


def test_names_become_different_sql_identifiers():
    names = ["Trade Date", "tradeDate", "", "No. of shares", "2nd", "column_3", "row_number", "成交"]

    assert snake_names(names) == [
        "trade_date", "trade_date_2", "field_3", "no_of_shares", "field_2nd", "field_3_2", "row_number_", "field_8",
    ]  # fmt: skip
