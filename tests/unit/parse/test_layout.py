import time

import pytest

from trade_ingest.contract.loading import parse_contract
from trade_ingest.errors import FileHeaderError, PathMismatchError
from trade_ingest.parse.layout import TemplateCell, layout_of

CONTRACT = """
name: fills
version: 1
columns:
  - {name: at, type: timestamp, zone: UTC, source: [Time, Timestamp]}
  - {name: price, type: "decimal(10,2)", source: Price}
  - {name: note, type: text, source: Note, required: false}
event_time: at
target: {table: fill}
"""


def contract_of(text=CONTRACT, drift="{}"):
    return parse_contract(text + f"drift: {drift}\n", origin="fills.yaml")


def layout(header, **keys):
    return layout_of(contract_of(**keys), "f.csv", header=header, first_record=None)


def problems(header, **keys):
    with pytest.raises(FileHeaderError) as caught:
        layout(header, **keys)
    assert caught.value.fields["header"] == tuple(header)
    return str(caught.value)


def test_columns_are_found_by_name_in_any_order():
    assert layout(["Note", "Time", "Price"]).fields == {"at": 1, "price": 2, "note": 0}


def test_an_alias_means_the_column_and_the_first_one_wins():
    assert layout(["Timestamp", "Price"]).fields == {"at": 0, "price": 1}
    ignoring = layout(["Timestamp", "Price", "Time"], drift="{unknown_columns: ignore}")
    assert (ignoring.fields, ignoring.ignored) == ({"at": 2, "price": 1}, ("Timestamp",))


def test_case_and_surrounding_blanks_do_not_matter():
    assert layout([" TIME ", "price\t", "NOTE"]).fields == {"at": 0, "price": 1, "note": 2}


def test_an_exact_name_is_taken_before_a_similar_one():
    found = layout(["price", "Price", "Time"], drift="{unknown_columns: ignore}")
    assert (found.fields["price"], found.ignored) == (1, ("price",))


def test_two_columns_never_read_one_field():
    text = CONTRACT.replace("source: Note", "source: PRICE")
    assert layout(["Time", "Price"], text=text).constants == {"note": None}
    assert layout(["Time", "PRICE", "Price"], text=text).fields == {"at": 0, "price": 2, "note": 1}


def test_missing_optional_column_is_null_or_an_error_as_the_contract_says():
    assert layout(["Time", "Price"]).constants == {"note": None}
    assert "column 'Note' is missing" in problems(["Time", "Price"], drift="{missing_optional: fail}")


def test_missing_column_names_the_columns_that_were_read_and_the_nearest():
    message = problems(["Time", "Prcie", "Note"])
    assert message == (
        "f.csv: header does not fit contract fills: column 'Price' is missing (is it 'Prcie'?);"
        " column 'Prcie' is not in the contract; columns read: Time, Prcie, Note"
    )


def test_unknown_column_is_an_error_or_ignored_as_the_contract_says():
    assert "column 'Extra' is not in the contract" in problems(["Time", "Price", "Extra"])
    found = layout(["Time", "Price", "Extra", ""], drift="{unknown_columns: ignore}")
    assert (found.field_count, found.ignored, found.used_fields) == (4, ("Extra", ""), [0, 1])


@pytest.mark.parametrize("drift", ["fail", "ignore"])
@pytest.mark.parametrize("header", [["Time", "Price", "Price"], ["Time", "price", "PRICE"]])
def test_a_name_that_occurs_twice_is_an_error(header, drift):
    assert "occurs 2 times" in problems(header, drift=f"{{unknown_columns: {drift}}}")


def test_an_unknown_name_may_occur_twice():
    assert layout(["Time", "Price", "x", "x"], drift="{unknown_columns: ignore}").ignored == ("x", "x")


def test_the_rest_of_the_cells_has_a_name_for_each():
    text = CONTRACT.replace("event_time:", "  - {name: extra, type: json, members: rest}\nevent_time:")

    found = layout(["Time", "Price", "Amount", "", "Amount", "", "Fee"], text=text)

    assert found.members["extra"] == {
        "Amount (column 3)": 2,
        "(column 4)": 3,
        "Amount (column 5)": 4,
        "(column 6)": 5,
        "Fee": 6,
    }


def test_control_characters_in_names_are_shown_escaped():
    message = problems(["T\0i\0m\0e\0", "Pri\nce", "Note"])
    assert "columns read: T\\x00i\\x00m\\x00e\\x00, Pri\\nce, Note" in message
    assert message.isprintable()


def test_a_file_with_carriage_returns_alone_is_recognised():
    with pytest.raises(FileHeaderError) as caught:
        layout(["Time", "Price", "Note\r1", "2", "x\r3"])
    assert "CR alone" in caught.value.hint


def test_message_about_a_header_of_megabytes_is_short_and_quick():
    header = ["Time", *(f"{'x' * 200}{i}" for i in range(100_000))]
    started = time.process_time()
    message = problems(header)
    assert len(message) < 50_000
    assert message.endswith("… (100,001 in all)")
    assert time.process_time() - started < 5


POSITIONS = """
name: fills
version: 1
format: {header: false}
columns:
  - {name: at, type: timestamp, zone: UTC, position: 2}
  - {name: price, type: "decimal(10,2)", position: 1}
event_time: at
target: {table: fill}
"""


@pytest.mark.parametrize(
    ("drift", "first", "count"),
    [("fail", ["1", "2", "3"], 2), ("ignore", ["1", "2", "3"], 3), ("ignore", ["1"], 2), ("ignore", None, 2)],
)
def test_columns_without_header_are_found_by_position(drift, first, count):
    contract = contract_of(POSITIONS, drift=f"{{unknown_columns: {drift}}}")
    found = layout_of(contract, "f.csv", header=None, first_record=first)
    assert (found.fields, found.field_count) == ({"at": 1, "price": 0}, count)


def test_values_are_taken_from_the_path():
    text = CONTRACT.replace("event_time", "  - {name: symbol, type: text, path_group: symbol}\nevent_time")
    contract = contract_of(text + 'path: "/(?P<symbol>[A-Z]+)-trades"\n')
    found = layout_of(contract, "/in/BTC-trades.csv", header=["Time", "Price"], first_record=None)
    assert found.constant_of("symbol") == "BTC"
    assert found.field_of("symbol") is None
    with pytest.raises(PathMismatchError, match="does not match the contract's path expression") as caught:
        layout_of(contract, "/in/other.csv", header=["Time", "Price"], first_record=None)
    assert "symbol" in caught.value.hint


def test_optional_cell_of_a_template_may_be_missing_and_another_may_not():
    text = CONTRACT.replace("source: Note, required: false", 'template: "{Root}.{Suffix?}"')
    assert layout(["Time", "Price", "Root"], text=text).templates == {"note": (TemplateCell(2), ".")}
    found = layout(["Time", "Price", "Root", "Suffix"], text=text).templates
    assert found == {"note": (TemplateCell(2), ".", TemplateCell(3, is_optional=True))}
    assert "column 'Root' is missing" in problems(["Time", "Price", "Suffix"], text=text)


@pytest.mark.parametrize(("members", "names"), [("rest", ["Venue"]), ("all", ["Time", "Price", "Venue"])])
def test_object_takes_what_is_left_of_the_header_or_all_of_it(members, names):
    text = CONTRACT.replace("type: text, source: Note", f"type: json, members: {members}")
    assert list(layout(["Time", "Price", "Venue"], text=text).members["note"]) == names
