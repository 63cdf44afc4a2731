import pytest

from trade_ingest.contract.document import MAX_CHARACTERS, read_document
from trade_ingest.errors import ContractError


def data_of(text):
    document = read_document(text, origin="c.yaml")
    assert document.problems == ()
    return document.data


def error_of(text):
    with pytest.raises(ContractError) as caught:
        read_document(text, origin="c.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    "word",
    ["NO", "no", "ON", "off", "Yes", "y", "TRUE", "null", "Null", "~", "NA", "1", "007", "1e5", "0x1F", "0o17", "1_000",
     "2024-01-02", "12:30:45", ".5", "-", "+1.0", ".inf", ".nan", "=", "3.10"],
)  # fmt: skip
def test_plain_word_in_a_list_is_text_as_written(word):
    assert data_of(f"tokens: [{word}]") == {"tokens": [word]}
    if word != "-":  # which would begin another list
        assert data_of(f"tokens:\n- {word}\n") == {"tokens": [word]}


@pytest.mark.parametrize("word", ["NO", "yes", "1", "1e5", "2024-01-02", "true", "1.10"])
def test_plain_word_as_key_or_value_is_text_as_written(word):
    assert data_of(f"{word}: {word}") == {word: word}


@pytest.mark.parametrize("word", ["null", "Null", "NULL", "~", ""])
def test_plain_null_as_the_value_of_a_key_is_nothing(word):
    assert data_of(f"quote: {word}\n") == {"quote": None}


def test_quoted_null_is_text():
    assert data_of("""{a: "null", b: '~', c: "", null: x}""") == {"a": "null", "b": "~", "c": "", "null": "x"}


def test_every_path_knows_its_line():
    document = read_document("a: 1\nb:\n  - x\n  - c: 2\n    d: >\n      long\n", origin="c.yaml")
    assert document.data == {"a": "1", "b": ["x", {"c": "2", "d": "long\n"}]}
    lines = {("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 4, ("b", 1, "c"): 4, ("b", 1, "d"): 5}
    assert {path: document.line(path) for path in lines} == lines
    assert document.line(("b", 1, "missing")) == 4
    assert document.line(("nowhere",)) == 1


def test_path_text_names_items_that_have_a_name():
    document = read_document("columns:\n- {name: price}\n- {type: x}\n", origin="c.yaml")
    assert document.path_text(("columns", 0, "type")) == "columns[price].type"
    assert document.path_text(("columns", 1, "type")) == "columns[1].type"
    assert document.path_text(("key", 7)) == "key[7]"
    assert document.path_text(()) == ""


def test_repeated_keys_are_all_listed_and_the_first_counts():
    document = read_document("a: 1\nb: {c: 1, c: 2}\na: 3\n", origin="c.yaml")
    assert document.data == {"a": "1", "b": {"c": "1"}}
    assert [(p.line, p.path, p.message) for p in document.problems] == [
        (2, "b.c", "key given twice, first on line 2"),
        (3, "a", "key given twice, first on line 1"),
    ]


def test_tags_and_keys_that_are_no_words_are_listed():
    document = read_document("a: !!int 1\nb: !!python/object/apply:os.getcwd []\n? [x]\n: y\n", origin="c.yaml")
    assert [problem.line for problem in document.problems] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: b: c", "c.yaml:1: not YAML: column 5: mapping values are not allowed here"),
        ("a: 1\nb: [", "c.yaml:2: not YAML: column 5:"),
        ("a: 1\n\tb: 2", "c.yaml:2: not YAML: column 1:"),
        ("a: &x 1\nb: *x", "c.yaml:2: not YAML: column 4: alias *x"),
        ("a: *y", "alias *y"),
        ("--- 1\n--- 2", "c.yaml:2: not YAML: column 1: expected a single document"),
        ("a: 1\nb: \x07", "c.yaml:2: character U+0007 is not YAML"),
        ("[" * 5000, "nested too deeply"),
        ("#" * (MAX_CHARACTERS + 1), "more than"),
    ],
)
def test_text_that_is_no_plain_document_is_refused_with_its_place(text, found):
    assert found in error_of(text)


def test_empty_text_is_an_empty_document():
    assert data_of("") is None
    assert data_of("# only a comment\n") is None
