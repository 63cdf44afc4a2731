import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_ingest.source import records as module
from trade_ingest.source.records import Dialect, count_plain_records, scan_records, split_fields

LF, CR = 0x0A, 0x0D


def dialect(**changes):
    marks = {"delimiter": b",", "quote": b'"', "escape": None, "comment": None, "max_record_bytes": 12}
    return Dialect(**marks | changes)


DIALECTS = [
    dialect(),
    dialect(quote=None),
    dialect(comment=b"#"),
    dialect(comment=b"##", max_record_bytes=4),
    dialect(escape=b"\\"),
    dialect(escape=b"\\", quote=None),
    dialect(escape=b"\\", comment=b"#"),
    dialect(delimiter=b"|", quote=b"'"),
    dialect(max_record_bytes=1000),
]

dialects = st.sampled_from(DIALECTS)
texts = st.lists(
    st.sampled_from(
        [b'"', b'"', b",", b"\n", b"\n", b"\r\n", b"\r", b"a", b"bc", b"\0", b"\\", b"#", b"|", b"'", b'"",']
    )
).map(b"".join)


def simple_records(data, marks):
    """The documented rule, byte by byte: (start, end, fields) of each record; 0 fields for a malformed one."""
    found, start = [], 0
    while start < len(data):
        line_end = data.find(b"\n", start) % (len(data) + 1)  # -1 is the end
        is_comment = marks.comment is not None and data.startswith(marks.comment, start)
        record = None if is_comment else simple_record(data, start, marks)
        if record is None or record[0] - start > marks.max_record_bytes:
            end = line_end - (line_end > start and data[line_end - 1] == CR)
            record = (end, line_end + 1, 0)
        end, following, count = record
        if end > start and not is_comment:
            found.append((start, end, count))
        start = following
    return found


def simple_record(data, i, marks):  # noqa: C901, PLR0912 - the rule has this many cases
    """End, start of the next record and number of fields; None if the quotes break the rule."""
    quote, escape, delimiter = (mark and mark[0] for mark in (marks.quote, marks.escape, marks.delimiter))
    count, state = 1, "start"
    while i < len(data):
        byte, following = data[i], data[i + 1] if i + 1 < len(data) else None
        if state != "quoted" and byte == LF:
            return i, i + 1, count
        if state != "quoted" and byte == CR and following in {LF, None}:
            return i, i + 2, count
        if byte == escape and state != "closed":
            if following is None:
                return None
            i, state = i + 1, "plain" if state == "start" else state
        elif byte == quote and state == "quoted":
            if following == quote:
                i += 1
            else:
                state = "closed"
        elif byte == quote:
            if state != "start":
                return None
            state = "quoted"
        elif byte == delimiter and state != "quoted":
            count, state = count + 1, "start"
        elif state == "closed":
            return None
        elif state == "start":
            state = "plain"
        i += 1
    return None if state == "quoted" else (i, i, count)


def as_tuples(records):
    return list(zip(records.starts.tolist(), records.ends.tolist(), records.field_counts.tolist(), strict=True))


@settings(max_examples=800, deadline=None)
@given(texts, dialects)
def test_records_are_those_of_the_documented_rule(data, marks):
    records, consumed = scan_records(data, marks, is_final=True)
    assert as_tuples(records) == simple_records(data, marks)
    assert consumed == len(data)


@settings(max_examples=500, deadline=None)
@given(texts, dialects.filter(lambda d: d.escape is None), st.booleans())
def test_all_at_once_and_one_by_one_find_the_same(data, marks, is_final):
    at_once = module._scan_well_formed(data, marks, is_final=is_final)
    if at_once is not None:
        one_by_one = module._scan_any(data, marks, 0, len(data), is_final=is_final)
        without = [module._without_blank_and_comments(data, found, marks) for found, _ in (at_once, one_by_one)]
        assert as_tuples(without[0]) == as_tuples(without[1])
        assert at_once[1] == one_by_one[1]


@settings(max_examples=800, deadline=None)
@given(texts, dialects.filter(lambda d: d.escape is None), st.integers(1, 30), st.booleans())
def test_small_pieces_and_one_by_one_find_the_same(data, marks, piece_bytes, is_final):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PIECE_BYTES", piece_bytes)
        in_pieces, consumed = module._scan_in_pieces(data, marks, is_final=is_final)
    one_by_one, expected = module._scan_any(data, marks, 0, len(data), is_final=is_final)
    without = [module._without_blank_and_comments(data, found, marks) for found in (in_pieces, one_by_one)]
    assert as_tuples(without[0]) == as_tuples(without[1])
    if is_final:
        assert consumed == expected == len(data)


@settings(max_examples=500, deadline=None)
@given(texts, dialects, st.lists(st.integers(1, 9), max_size=12))
def test_records_are_the_same_wherever_the_text_is_cut(data, marks, steps):
    found, start, end = [], 0, 0
    for step in steps:
        end = min(end + step, len(data))
        records, consumed = scan_records(data[start:end], marks, is_final=False)
        found += [(s + start, e + start, n) for s, e, n in as_tuples(records)]
        start += consumed
    records, _ = scan_records(data[start:], marks, is_final=True)
    found += [(s + start, e + start, n) for s, e, n in as_tuples(records)]
    assert found == simple_records(data, marks)


@settings(max_examples=500, deadline=None)
@given(texts, dialects)
def test_plain_text_is_counted_as_it_is_scanned(data, marks):
    count = count_plain_records(data, marks, is_final=True)
    expected = simple_records(data, marks)
    if count is not None:
        assert count == len(expected)
        assert [data[s:e] for s, e, _ in expected] == [
            line.removesuffix(b"\r") for line in data.removesuffix(b"\n").split(b"\n") if data
        ]


def test_text_of_lines_is_plain():
    assert count_plain_records(b"a,b\r\nc,d\r\n", dialect(), is_final=True) == 2
    assert count_plain_records(b"a,b\nc,d", dialect(), is_final=True) == 2
    assert count_plain_records(b"", dialect(), is_final=True) == 0


@pytest.mark.parametrize("data", [b'a,"b"\n', b"\na\n", b"a\n\nb\n", b"a\r\n\r\nb\n", b"x" * 13, b"\r\n"])
def test_text_with_quotes_blank_or_long_lines_is_not_plain(data):
    assert count_plain_records(data, dialect(), is_final=True) is None


def record_texts(data, **changes):
    records, _ = scan_records(data, dialect(max_record_bytes=1000, **changes), is_final=True)
    return [(records.raw(data, i).decode(), int(records.field_counts[i])) for i in range(len(records))]


def test_a_stray_quote_costs_one_line():
    assert record_texts(b'a,"b\nc,d\ne,"f"\n') == [('a,"b', 0), ("c,d", 2), ('e,"f"', 2)]


def test_quotes_around_line_breaks_and_delimiters_hold_them_together():
    assert record_texts(b'"a\r\nb,c",d\r\n"e""f",g') == [('"a\r\nb,c",d', 2), ('"e""f",g', 2)]


def test_a_quote_in_a_comment_hides_no_row():
    assert record_texts(b'# see,"here\n1,2\n3,"4"\n', comment=b"#") == [("1,2", 2), ('3,"4"', 2)]
    assert record_texts(b'#"see\n1,2\n3"\n4,5\n', comment=b"#") == [("1,2", 2), ('3"', 0), ("4,5", 2)]
    assert record_texts(b'#,"see\n1,2\n3"\n4,5\n', comment=b"#") == [("1,2", 2), ('3"', 0), ("4,5", 2)]


def test_an_escaped_carriage_return_is_data():
    assert record_texts(b"a,b\\\r\nc,d\r\n", escape=b"\\") == [("a,b\\\r", 2), ("c,d", 2)]


@pytest.mark.parametrize("line_break", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize(("length", "fields"), [(12, 1), (13, 0)])
def test_the_limit_is_the_record_without_its_line_break(length, fields, line_break):
    records, _ = scan_records(b'"' + b"x" * (length - 2) + b'"' + line_break, dialect(), is_final=True)
    assert records.field_counts.tolist() == [fields]


def test_many_unclosed_quotes_take_linear_time():
    data = b'1,"x\n' * 20_000
    records, _ = scan_records(data, dialect(max_record_bytes=1 << 20), is_final=True)
    assert records.field_counts.tolist() == [0] * 20_000


cells = st.text(alphabet='ab,"\n\r\\#é', max_size=5)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(cells, st.booleans()), min_size=1, max_size=4), st.sampled_from(["doubled", "escaped"]))
def test_fields_come_back_as_they_were_written(written, how):
    marks = dialect(escape=None if how == "doubled" else b"\\", max_record_bytes=1000)
    fields, expected = [], []
    for cell, wants_quotes in written:
        if wants_quotes or set(cell) & set(',"\r\n'):
            marked = cell.replace('"', '""') if how == "doubled" else cell.replace("\\", "\\\\").replace('"', '\\"')
            fields.append(f'"{marked}"')
            expected.append(cell)
        else:
            fields.append(cell if how == "doubled" else cell.replace("\\", "\\\\"))
            expected.append(cell or None)
    record = ",".join(fields).encode()
    if not record:
        return
    records, _ = scan_records(record, marks, is_final=True)
    assert as_tuples(records) == [(0, len(record), len(fields))]
    found = split_fields(record, marks)
    assert [field if field is None else field.decode() for field in found] == expected


def test_records_can_be_taken_apart():
    data = b"a\nbb\nccc\n"
    records, _ = scan_records(data, dialect(), is_final=True)
    kept = records.keep(np.array([True, False, True]))
    assert [kept.raw(data, i) for i in range(len(kept))] == [b"a", b"ccc"]
    assert [records.first(2).raw(data, i) for i in range(2)] == [b"a", b"bb"]
