import pytest

from trade_ingest.cli import excerpt
from trade_ingest.cli.display import (
    counted,
    format_bytes,
    format_ratio,
    format_seconds,
    printable,
    shortened,
    text_width,
)
from trade_ingest.cli.excerpt import marked_record


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (102_349, "100 KiB"),
        (1 << 20, "1.0 MiB"),
        (501 << 20, "501 MiB"),
        (1 << 30, "1.0 GiB"),
        (1 << 62, "4096 PiB"),
    ],
)
def test_sizes_have_binary_units_and_never_four_digits_below_the_last(size, text):
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.004, "0.00 s"),
        (0.12, "0.12 s"),
        (34.52, "34.5 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.7, "1 h 00 min"),
        (11040, "3 h 04 min"),
    ],
)
def test_durations_are_rounded_to_what_matters(seconds, text):
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "0 %"), (0, 5, "0 %"), (1, 3, "33.3 %"), (1, 1_000_000, "0.0001 %"), (2, 2, "100.0 %")],
)
def test_share_of_something_is_never_shown_as_nothing(part, whole, text):
    assert format_ratio(part, whole) == text


def test_counted_words():
    assert [counted(0, "file"), counted(1, "file"), counted(1200, "file"), counted(2, "match", "matches")] == [
        "0 files",
        "1 file",
        "1,200 files",
        "2 matches",
    ]


def test_shortened_keeps_the_end_that_matters():
    assert shortened("/data/trades.csv", 11, keep="end") == "…trades.csv"
    assert shortened("/data/trades.csv", 11) == "/data/trad…"
    assert shortened("short", 11) == "short"


def test_width_counts_columns_not_characters():
    assert text_width("日本") == 4
    assert text_width("e\u0301") == 1
    assert shortened("日本語", 4) == "日…"


def test_printable_escapes_control_characters_only():
    assert printable("a\tb\x1b日é") == "a\\tb\\x1b日é"


def test_bad_cells_are_marked_below_the_record():
    assert marked_record("a,bb,,dd", [(2, 4), (6, 8)]) == ["    a,bb,,dd", "      ^^  ^^"]


def test_empty_cell_is_pointed_at():
    assert marked_record("a,,c", [(2, 2)]) == ["    a,,c", "      ^"]


def test_marks_fit_where_characters_are_wide_or_escaped():
    assert marked_record("日,\t,x", [(2, 3), (4, 5)]) == ["    日,\\t,x", "       ^^ ^"]


def test_record_without_marks_is_one_line():
    assert marked_record("whole record", []) == ["    whole record"]


@pytest.mark.parametrize("start", [0, 10, 100, 300])
def test_long_record_is_cut_around_the_first_mark_on_a_terminal(monkeypatch, start):
    monkeypatch.setattr(excerpt, "is_terminal", lambda _: True)
    monkeypatch.setattr(excerpt, "terminal_width", lambda: 60)
    record = "x" * start + "BAD" + "y" * 300

    line, carets = marked_record(record, [(start, start + 3)])

    assert len(line) <= 60
    position = line.index("BAD")
    assert carets == " " * position + "^^^"
