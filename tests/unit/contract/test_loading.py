import pickle
import subprocess
import sys
from textwrap import dedent, indent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_ingest.contract.loading import builtin_names, contract_text, load_contract, parse_contract
from trade_ingest.contract.problems import Problem
from trade_ingest.errors import ContractError, UnknownContractError

CONTRACT = """\
name: fills
version: 1
format:
  null_tokens: [NA, null, "", -]
  quote: null
columns:
  - {name: trade_id, type: text}
  - {name: price, type: "decimal(10,2)", source: Px, min: 0.01}
  - {name: quantity, type: integer}
  - {name: executed_at, type: timestamp, zone: UTC}
key: [trade_id]
event_time: executed_at
control_totals: [quantity]
target: {table: fill}
"""


def problems_of(text, **keys):
    """``(line, path, message)`` of every problem, in order."""
    with pytest.raises(ContractError) as caught:
        parse_contract(text, origin="c.yaml", **keys)
    return [(p.line, p.path, p.message + (f"; {p.hint}" if p.hint else "")) for p in caught.value.fields["problems"]]


def changed(old, new):
    assert old in CONTRACT
    return CONTRACT.replace(old, new)


def with_columns(text):
    """The contract with more columns, from line 11 on."""
    return CONTRACT.replace("key:", indent(dedent(text), "  ") + "key:")


def test_right_contract_is_loaded():
    contract = parse_contract(CONTRACT, origin="c.yaml")
    assert contract.name == "fills"
    assert contract.version == 1
    assert contract.format.null_tokens == ("NA", "null", "", "-")
    assert contract.format.quote is None
    assert contract.column("price").min == "0.01"
    assert contract.column("price").header_names == ("Px",)
    assert contract.key == ("trade_id",)


@pytest.mark.parametrize("symbol", ["NO", "ON", "null", "1e5", "2024-01-02", "007", "True"])
def test_symbol_that_looks_like_another_yaml_type_stays_text(symbol):
    text = changed("{name: trade_id, type: text}", f"{{name: trade_id, type: enum, values: [{symbol}]}}")
    assert parse_contract(text, origin="c.yaml").column("trade_id").values == (symbol,)
    text = changed("{name: trade_id, type: text}", f"{{name: trade_id, type: enum, values: {{{symbol}: {symbol!r}}}}}")
    assert parse_contract(text, origin="c.yaml").column("trade_id").values == {symbol: symbol}


@pytest.mark.parametrize(("word", "expected"), [("true", True), ("yes", True), ("off", False), ("False", False)])
def test_true_and_false_may_be_written_in_any_of_yamls_ways(word, expected):
    text = CONTRACT.replace("type: text}", f"type: text, required: {word}}}").replace("key: [trade_id]\n", "")
    assert parse_contract(text, origin="c.yaml").column("trade_id").required is expected


def test_plain_null_is_a_word_where_the_contract_expects_that_word():
    text = CONTRACT + "drift: {missing_optional: null}\n"
    assert parse_contract(text, origin="c.yaml").drift.missing_optional == "null"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("quote: null", "delimeter: ;", (5, "format.delimeter", "unknown key `delimeter`; did you mean `delimiter`?")),
        ("version: 1", "delimiter: ;", (2, "delimiter", "unknown key `delimiter`; it is a key of format")),
        ("version: 1", "version: one", (2, "version", "must be a whole number, not 'one'")),
        ("version: 1", "version: 0", (2, "version", "must be at least 1, not '0'")),
        ("name: fills", "name: My-Fills", (1, "name", "characters; write `my_fills`")),
        ("quote: null", "quote: '\"\"'", (5, "format.quote", "must be one character, not '\"\"'")),
        ("quote: null", "delimiter: null", (5, "format.delimiter", "must be text, not nothing (NULL)")),
        ("quote: null", "header: maybe", (5, "format.header", "must be true or false, not 'maybe'")),
        ("quote: null", "compression: gzp", (5, "format.compression", "xz, lz4; did you mean `gzip`?")),
        ("quote: null", "encoding: utf9", (5, "format.encoding", "unknown text encoding 'utf9'")),
        ("quote: null", "escape: ','", (5, "format.escape", "',' is the delimiter already")),
        ("quote: null", "quote: é", (5, "format.quote", "'é' must be an ASCII character and no line break")),
        ("quote: null", "thousands_mark: .", (5, "format.thousands_mark", "'.' is the decimal_mark already")),
        (
            "key: [trade_id]",
            "key: [trade_idd]",
            (11, "key[0]", "no column 'trade_idd' is declared; did you mean `trade_id`?"),
        ),
        ("key: [trade_id]", "key: [trade_id, trade_id]", (11, "key[1]", "'trade_id' appears twice")),
        ("key: [trade_id]", "key: trade_id", (11, "key", "must be a list, not 'trade_id'")),
        ("key: [trade_id]", "on_changed: replce", (11, "on_changed", "append, fail; did you mean `replace`?")),
        (
            "time: executed_at",
            "time: executedat",
            (12, "event_time", "no column 'executedat' is declared; did you mean `executed_at`?"),
        ),
        ("time: executed_at", "time: trade_id", (12, "event_time", "'trade_id' must be a required timestamp")),
        (
            "totals: [quantity]",
            "totals: [qantity]",
            (13, "control_totals[0]", "no column 'qantity' is declared; did you mean `quantity`?"),
        ),
        (
            "totals: [quantity]",
            "totals: [trade_id]",
            (13, "control_totals[0]", "'trade_id' is text: only integer and decimal columns have sums"),
        ),
        ("{table: fill}", "{tabel: fill}", (14, "target.tabel", "unknown key `tabel`; did you mean `table`?")),
        ("{table: fill}", "{table: fill, layout: trade_prnt}", (14, "target.layout", "did you mean `trade_print`?")),
        (
            "{table: fill}",
            "{table: fill, current_view: {name: fill, by: [price], latest: price}}",
            (14, "target.current_view.name", "'fill' is the table's name"),
        ),
        *(
            (
                "{table: fill}",
                f"{{table: fill, schema: {schema}}}",
                (14, "target.schema", f"schema '{schema}' is {owner} own; name another one, e.g. `schema: market`"),
            )
            for schema, owner in [
                ("ingest", "the ledger's"),
                ("pg_catalog", "PostgreSQL's"),
                ("information_schema", "PostgreSQL's"),
                ("pg_toast", "PostgreSQL's"),
                ("pg_temp_3", "PostgreSQL's"),
            ]
        ),
        (
            "{table: fill}",
            "{table: fill, current_view: {name: v, by: [prise], latest: price}}",
            (14, "target.current_view.by[0]", "no column 'prise' is declared; did you mean `price`?"),
        ),
        (
            "{table: fill}",
            "{table: fill, current_view: {name: v, by: [price], latest: executed}}",
            (14, "target.current_view.latest", "no column 'executed' is declared; did you mean `executed_at`?"),
        ),
        (
            "{table: fill}",
            "{table: fill}\nrejects: {max_ratio: 2}",
            (15, "rejects.max_ratio", "must be at most 1, not '2'"),
        ),
        (
            "{table: fill}",
            "{table: fill}\nrejects: {max_ratio: nan}",
            (15, "rejects.max_ratio", "must be a finite number, not 'nan'"),
        ),
        (
            "{table: fill}",
            "{table: " + "f" * 54 + "}",
            (14, "target.table", f"must be at most 53 characters, not '{'f' * 54}'"),
        ),
        ("{table: fill}", "{table: fill}\npath: '('", (15, "path", "'(' is not a regular expression: missing )")),
    ],
)
def test_one_mistake_is_one_problem_on_its_line(old, new, problem):
    line, path, message = problem
    found = {(at, where): what for at, where, what in problems_of(changed(old, new))}
    assert message in found.pop((line, path))
    assert found.keys() <= {(1, "version"), (14, "target.table")}  # missing because the mistake stands in its place


def test_type_with_impossible_digits_is_not_suggested_itself():
    problems = problems_of(changed('"decimal(10,2)"', '"decimal(50,60)"'))
    assert [what for _, where, what in problems if where.endswith(".type")] == [
        "'decimal(50,60)': precision must be 1 to 38 and scale at most the precision"
    ]


@pytest.mark.parametrize(
    ("column", "path", "message"),
    [
        ("type: 'decimel(10,2)'", "type", "did you mean `decimal(10,2)`?"),
        ("type: decimal", "type", "did you mean `decimal(38,10)`?"),
        ("type: 'decimal(40,2)'", "type", "precision must be 1 to 38"),
        ("type: decimal(10,2)", "type", "within braces it needs quotes"),
        ("type: string", "type", "did you mean `text`?"),
        ("type: float", "type", "did you mean `decimal(38,10)`?"),
        ("type: timestmp", "type", "did you mean `timestamp`?"),
        ("type: text, soruce: y", "soruce", "did you mean `source`?"),
        ("type: text, source: y, constant: z", "constant", "comes from source already"),
        ("type: text, path_group: g", "path_group", "`path` has no group named 'g'"),
        ("type: text, position: 1", "position", "positions are for files without a header"),
        ("type: text, source: Px", "source", "'Px' appears twice"),
        ("type: text, values: [a]", "values", "values is for enum, not for text"),
        ("type: enum", "type", "an enum needs its values"),
        ("type: enum, values: [[a]]", "values", "must be a list of cells, or a mapping"),
        ("type: text, zone: UTC", "zone", "zone is for timestamp, not for text"),
        ("type: integer, regex: a", "regex", "regex is for enum and text, not for integer"),
        ("type: text, true_tokens: [x]", "true_tokens", "true_tokens is for boolean, not for text"),
        ("type: boolean, true_tokens: [x], false_tokens: [x]", "false_tokens", "'x' means true already"),
        ("type: text, min: 1", "min", "min is for date and decimal and integer and timestamp, not for text"),
        ("type: integer, min: 1.5", "min", "'1.5' is not a whole number"),
        ("type: integer, min: 5, max: 4", "max", "no value satisfies both min and max"),
        (
            "type: integer, greater_than: 5, less_than: 5",
            "less_than",
            "no value satisfies both greater_than and less_than",
        ),
        ("type: date, max: 2024-02-30", "max", "day is out of range for month"),
        ("type: integer, constant: x", "constant", "'x' is not a whole number"),
        ("type: enum, values: [a], constant: b", "constant", "'b' is not one of the column's values: a"),
        ("type: timestamp, zone: Europe/Lundon", "zone", "did you mean `Europe/London`"),
        ("type: timestamp, format: '%Y-%m-%d %H:%M'", "format", "is a local time without a zone"),
        ("type: timestamp, format: '%Y-%m-%d %H:%M%z', zone: UTC", "zone", "the cells carry their offset"),
        ("type: timestamp, epoch: ms, zone: UTC", "zone", "an epoch counts from 1970 in UTC"),
        ("type: timestamp, epoch: ms, format: iso", "format", "give format or epoch, not both"),
        ("type: timestamp, epoch: min", "epoch", "'min' is not one of s, ms, us, ns, auto"),
        ("type: timestamp, zone: UTC, format: '%Y-%m-%d %Q'", "format", "unsupported directive '%Q'"),
        ("type: timestamp, nanoseconds: quantity, epoch: ns", "nanoseconds", "there is a column 'quantity' already"),
        ("type: date, format: '%Y-%m-%d %H:%M'", "format", "a date would lose it"),
        ("type: text, check: luhn", "check", "'luhn' is not one of"),
        ("type: text, regex: '['", "regex", "is not a regular expression"),
        ("type: text, regex: '(?=x)y'", "regex", "look-around"),
        ("type: integer, expression: price +", "expression", "unable to parse"),
        ("type: integer, expression: qantity + 1", "expression", "did you mean `quantity`?"),
        ("type: integer, expression: x + 1", "expression", "column 'x' is not declared before this one"),
        ("type: integer, expression: '1'", "expression", "names no column"),
        ("type: integer, expression: SUM(quantity)", "expression", "looks at other rows"),
        ("type: integer, expression: trade_id = executed_at", "expression", "cannot compare"),
        ("type: boolean, expression: \"trade_id ~ '['\"", "expression", "unclosed character class"),
    ],
)
def test_wrong_column_is_one_problem_at_its_key(column, path, message):
    line, found_path, found = problems_of(with_columns(f"- {{name: x, {column}}}\n"))[-1]
    assert (line, found_path) == (11, f"columns[x].{path}")
    assert message in found


@pytest.mark.parametrize(
    ("rule", "path", "message"),
    [
        ("{name: r, expression: price}", "expression", "a rule must be true or false"),
        ("{name: r, expression: prce > 0}", "expression", "no column 'prce' is declared; did you mean `price`?"),
        ("{name: r, expression: price > AVG(price)}", "expression", "looks at other rows"),
        ("{name: r, expression: LAG(price) OVER (ORDER BY executed_at) > 1}", "expression", "looks at other rows"),
        ("{name: r, expression: COUNT(*) > price}", "expression", "looks at other rows"),
        ("{name: r, expression: \"trade_id ~ '['\"}", "expression", "unclosed character class"),
        ("{name: r, expression: 'price > 0; DROP TABLE x'}", "expression", "invalid expression"),
        ("{name: Bad Name, expression: price > 0}", "name", "write `bad_name`"),
        ("{name: r}", "expression", "`expression` is missing"),
    ],
)
def test_wrong_rule_is_one_problem_at_its_key(rule, path, message):
    ((line, found_path, found),) = problems_of(CONTRACT + f"rules:\n  - {rule}\n")
    assert (line, found_path.rpartition(".")[2]) == (16, path)
    assert message in found


def test_rules_and_derived_columns_may_use_the_columns_before_them():
    text = with_columns("- {name: cost, type: 'decimal(38,2)', expression: price * quantity}\n")
    text += """rules:\n  - {name: r, expression: "cost > price AND trade_id NOT IN ('Agg', 'Len')"}\n"""
    assert parse_contract(text, origin="c.yaml").column("cost").expression == "price * quantity"


def test_expressions_of_an_accepted_contract_need_not_be_compiled_again():
    text = CONTRACT + "rules:\n  - {name: r, expression: nonsense(}\n"
    assert parse_contract(text, origin="c.yaml", compile_expressions=False).rules[0].name == "r"
    assert problems_of(text)[0][:2] == (16, "rules[r].expression")


def test_every_problem_is_listed_at_once_in_the_order_of_the_lines():
    text = """\
        name: Bad-Name
        version: 1
        format: {delimeter: ;, header: maybe}
        columns:
          - {name: a, type: txt, soruce: A}
          - {name: b, type: "decimal(10,2)", min: abc, source: B, constant: 1}
          - {name: c, type: timestamp, format: "%Y-%m-%d"}
          - d
          - {name: e, type: integer, expression: bb + 1}
        rules:
          - {name: r, expression: b + 1}
        key: [aa, c]
        event_time: cc
        control_totals: [c, c]
        target: {table: t, current_view: {name: t, by: [x]}}
        on_change: skip
        """
    with pytest.raises(ContractError) as caught:
        parse_contract(dedent(text), origin="feeds/c.yaml")
    assert [line.removeprefix("feeds/c.yaml:") for line in str(caught.value).splitlines()] == [
        "1: name: 'Bad-Name' is not a lower-case SQL identifier of at most 63 characters; write `bad_name`",
        "3: format.delimeter: unknown key `delimeter`; did you mean `delimiter`?",
        "3: format.header: must be true or false, not 'maybe'",
        "5: columns[a].soruce: unknown key `soruce`; did you mean `source`?",
        (
            "5: columns[a].type: 'txt' is not a type; types: text, integer, boolean, date, timestamp, uuid, "
            "enum, json, decimal(p,s); did you mean `text`?"
        ),
        (
            "6: columns[b].constant: the value comes from source already: give one of source, position, "
            "template, members, path_group, constant, expression"
        ),
        "6: columns[b].min: 'abc' is not a number",
        (
            "7: columns[c].format: '%Y-%m-%d' is a local time without a zone; add `zone`, e.g. `zone: UTC`, "
            "or an offset directive such as %z"
        ),
        "8: columns[3]: must be a mapping, not 'd'",
        "9: columns[e].expression: no column 'bb' is declared; did you mean `b`?",
        "11: rules[r].expression: 'b + 1' is Decimal(precision=38, scale=2): a rule must be true or false",
        "12: key[0]: no column 'aa' is declared; did you mean `a`?",
        "13: event_time: no column 'cc' is declared; did you mean `c`?",
        "14: control_totals[0]: 'c' is timestamp: only integer and decimal columns have sums",
        "14: control_totals[1]: 'c' appears twice",
        "14: control_totals[1]: 'c' is timestamp: only integer and decimal columns have sums",
        "15: target.current_view.by[0]: no column 'x' is declared",
        "15: target.current_view.latest: `latest` is missing",
        "15: target.current_view.name: 't' is the table's name",
        "16: on_change: unknown key `on_change`; did you mean `on_changed`?",
    ]


def test_wrong_part_does_not_make_other_parts_look_wrong():
    # event_time, key and total name the column whose type is wrong; its name is known, its type is not.
    text = changed("type: timestamp, zone: UTC", "type: datetime, zone: UTC").replace("integer", "int")
    assert [(line, path) for line, path, _ in problems_of(text)] == [
        (9, "columns[quantity].type"),
        (10, "columns[executed_at].type"),
    ]


def test_missing_keys_are_on_the_line_of_the_mapping_that_lacks_them():
    assert problems_of("format:\n  trailer: {counts: rows}\n") == [
        (1, "columns", "`columns` is missing"),
        (1, "event_time", "`event_time` is missing"),
        (1, "name", "`name` is missing"),
        (1, "target", "`target` is missing"),
        (1, "version", "`version` is missing"),
        (2, "format.trailer.pattern", "`pattern` is missing"),
    ]


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b\n", "42"])
def test_text_that_is_no_mapping_is_refused(text):
    ((line, path, message),) = problems_of(text)
    assert (line, path) == (1, "")
    assert message.startswith("must be a mapping, not ")


def test_values_of_the_wrong_shape_are_one_problem_each():
    text = changed("source: Px, min: 0.01", "source: {a: b}, min: [1], max: {a: b}, values: {a: [1]}")
    text = text.replace("key: [trade_id]", "key: [price, {a: b}, [c]]").replace("{table: fill}", "5")
    assert problems_of(text) == [
        (8, "columns[price].max", "must be text, not a mapping"),
        (8, "columns[price].min", "must be text, not a list"),
        (8, "columns[price].source", "must be a list, not a mapping"),
        (8, "columns[price].values", "must be a list of cells, or a mapping of cells to stored values"),
        (11, "key[1]", "must be text, not a mapping"),
        (11, "key[2]", "must be text, not a list"),
        (14, "target", "must be a mapping, not '5'"),
    ]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("[]", [("columns", "must not be empty")]),
        ("5", [("columns", "must be a list, not '5'")]),
        ("[[1]]", [("columns[0]", "must be a mapping, not a list")]),
        ("[{name: [at], type: text}]", [("columns[0].name", "must be text, not a list")]),
        ("[{type: text}]", [("columns[0].name", "`name` is missing")]),
    ],
)
def test_wrong_columns_are_the_only_problems_of_a_contract(columns, expected):
    text = f"name: c\nversion: 1\ncolumns: {columns}\nevent_time: at\ntarget: {{table: t}}\n"
    found = [(path, message) for _, path, message in problems_of(text)]
    assert [problem for problem in found if problem[0] != "event_time"] == expected


def test_repeated_key_is_a_problem_beside_the_others():
    found = problems_of(changed("version: 1\n", "version: 1\nversion: 2\nkeys: [x]\n"))
    assert [(line, path) for line, path, _ in found] == [(3, "version"), (4, "keys")]


def test_files_without_header_need_positions():
    found = problems_of(changed("quote: null", "header: false"))
    assert [(line, message) for line, _, message in found] == [
        (line, f"column {name!r} needs a position: the format has no header")
        for line, name in [(7, "trade_id"), (8, "price"), (9, "quantity"), (10, "executed_at")]
    ]


LINES = contract_text("trade_event").splitlines()
ODDITIES = st.sampled_from(
    ["", "- x", "[]", "{}", "null", "a: b", "- - x", "type: []", "name: {}", "- name: 5", "columns: x", "? x", "'", "%",
     "format: 1", "  expression: SUM(x", "  - {name: x, type: enum, values: {a: {b: c}}}", "key: {a: b}", "rules: [[]]"]
)  # fmt: skip
WORDS = st.text(st.characters(exclude_characters="\r\x85\u2028\u2029"), max_size=20)  # without YAML's other line breaks


@settings(deadline=None)
@given(data=st.data())
def test_broken_contract_is_refused_with_problems_on_its_own_lines_and_nothing_else_happens(data):
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        indent_ = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        kind = data.draw(st.sampled_from(["replace", "insert", "delete", "cut"]))
        if kind == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
        elif kind == "delete" and len(lines) > 1:
            del lines[at]
        else:
            lines[at : at + (kind == "replace")] = [indent_ + data.draw(ODDITIES | WORDS)]
    text = "\n".join(lines)
    try:
        parse_contract(text, origin="c.yaml")
    except ContractError as exc:
        problems = exc.fields["problems"]
        assert problems
        assert all(1 <= problem.line <= text.count("\n") + 1 and problem.message for problem in problems)


def test_error_survives_pickling_with_its_problems():
    with pytest.raises(ContractError) as caught:
        parse_contract("name: x y", origin="c.yaml")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert copy.fields["problems"] == caught.value.fields["problems"]
    assert all(isinstance(problem, Problem) for problem in copy.fields["problems"])


def test_contract_is_loaded_from_a_file(tmp_path):
    path = tmp_path / "fills.yaml"
    path.write_text("\ufeff" + CONTRACT, encoding="utf-8")
    assert load_contract(str(path)) == parse_contract(CONTRACT, origin="c.yaml")
    assert contract_text(str(path)) == CONTRACT


def test_built_in_name_wins_over_a_file_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trade_event").write_text(CONTRACT, encoding="utf-8")
    assert load_contract("trade_event").name == "trade_event"
    assert load_contract("./trade_event").name == "fills"


def test_unknown_name_suggests_and_lists_the_built_in_ones():
    with pytest.raises(UnknownContractError, match="no contract 'trade_evnt' is built in") as caught:
        load_contract("trade_evnt")
    assert "did you mean `trade_event`?" in caught.value.hint
    assert all(name in caught.value.hint for name in builtin_names())


def test_missing_file_and_folder_are_unknown_contracts(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(UnknownContractError, match="no contract file"):
            load_contract(str(path))


def test_file_that_is_not_utf_8_is_refused_with_its_line(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"name: fills\ndescription: caf\xe9\n")
    with pytest.raises(ContractError, match=r"latin\.yaml:2: byte 0xe9 is not UTF-8"):
        load_contract(str(path))


def test_contracts_without_expressions_are_loaded_without_polars(tmp_path):
    path = tmp_path / "fills.yaml"
    path.write_text(CONTRACT, encoding="utf-8")
    program = (
        "import sys; from trade_ingest.contract.loading import load_contract; load_contract('trade_event');"
        f"load_contract({str(path)!r}); sys.exit('polars' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
