import fnmatch
import glob
import random
import re
from datetime import datetime, timedelta
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_ingest.errors import UsageError
from trade_ingest.source.dates import DateRange, parse_dates
from trade_ingest.source.pattern import MOST_PREFIXES, Selection, has_wildcards, parse_pattern


def taken(text, *paths, dates=None):
    pattern = parse_pattern(text, dates=dates)
    found = [path for path in paths if pattern.matches(path)]
    assert all(path.startswith(pattern.prefixes) for path in found)
    assert all(path.startswith(pattern.base) for path in found)
    return found


# globs

FOLDERS = ["a", "b.csv", ".a", "_a", "ab", "[a]", "x-y"]
GLOBS = [
    "**",
    "*",
    ".*",
    "a",
    "?",
    "*b*",
    "[!a]*",
    "[[]a]",
    "[a",
    "a**",
    "***",
    "*.csv",
    "[]a]*",
    "[z-a]",
    "[.]a",
    "*?*",
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A folder three deep; the paths of its files."""
    top = tmp_path_factory.mktemp("tree")
    for first in FOLDERS:
        for second in FOLDERS:
            (top / first / second).mkdir(parents=True)
            for name in ["a.csv", ".a.csv", "b", "{a}"]:
                (top / first / second / name).touch()
        (top / first / "c.csv").touch()
    return top, [str(path) for path in top.rglob("*") if path.is_file()]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(GLOBS), min_size=1, max_size=5))
def test_glob_takes_the_files_that_pythons_own_finds(tree, names):
    top, files = tree
    text = "/".join([str(top), *names])
    expected = {path for path in glob.glob(text, recursive=True) if Path(path).is_file()}  # noqa: PTH207
    assert set(taken(text, *files)) == expected


@settings(max_examples=500, deadline=None)
@given(st.text("ab*?[]!-.", max_size=8), st.text("ab-!].", max_size=6))
def test_name_fits_a_glob_as_fnmatch_says(glob_text, name):
    hidden = name.startswith(".") and not glob_text.startswith(".")
    expected = fnmatch.fnmatchcase(name, glob_text) and not hidden
    if glob_text == "**":
        expected = not hidden
    assert bool(taken(glob_text, name)) == expected


@settings(max_examples=300, deadline=None)
@given(st.text("a/*?[]{}.:%", max_size=12).filter(lambda text: "{a:%" not in text))
def test_each_path_can_be_written_as_a_pattern_of_its_own(path):
    text = re.sub(r"[*?\[{]", lambda match: f"[{match[0]}]", path)
    assert taken(text, path) == [path]
    assert parse_pattern(text).prefixes == (path,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("trades/a.csv", False),
        ("trades/{a,b}.csv", False),
        ("{dates}", False),
        ("trades/*.csv", True),
        ("trades/a?.csv", True),
        ("trades/[a]", True),
        ("trades/{date:%Y}", True),
        ("trades/{date}", True),
        ("trades/{day:%Y}", True),
    ],
)
def test_text_with_wildcards_is_told_from_a_path(text, expected):
    assert has_wildcards(text) is expected


@pytest.mark.parametrize(
    ("text", "base", "prefix"),
    [
        ("in/2024/a.csv", "in/2024/", "in/2024/a.csv"),
        ("in/2024-*.csv", "in/", "in/2024-"),
        ("in/**/a.csv", "in/", "in/"),
        ("in/a**/b", "in/", "in/a"),
        ("*.csv", "", ""),
        ("in/[[]a[]]/b[xy]", "in/[a]/", "in/[a]/b"),
        ("in/dt={date:%Y}/a.csv", "in/", "in/dt="),
    ],
)
def test_what_stands_before_the_first_wildcard_is_the_prefix(text, base, prefix):
    pattern = parse_pattern(text)
    assert (pattern.base, pattern.prefixes) == (base, (prefix,))


# dates


def test_dated_path_fits_any_date_and_nothing_else():
    assert taken(
        "in/{date:%Y/%m/%d}/*.csv",
        "in/2024/02/29/a.csv",
        "in/2023/02/29/a.csv",
        "in/2024/13/01/a.csv",
        "in/2024/1/1/a.csv",
        "in/0000/01/01/a.csv",
        "in/2024/01/01/02/a.csv",
        "in/1999/12/31/b.csv",
    ) == ["in/2024/02/29/a.csv", "in/1999/12/31/b.csv"]


def test_hive_style_folders_are_dates_like_others():
    keys = [f"in/dt=2024-01-{day:02}/part-{part}.csv" for day in range(1, 32) for part in range(2)]
    dates = parse_dates("2024-01-09", "2024-01-10")
    assert taken("in/dt={date:%Y-%m-%d}/*.csv", *keys, dates=dates) == keys[16:20]
    assert parse_pattern("in/dt={date:%Y-%m-%d}/*.csv", dates=dates).prefixes == (
        "in/dt=2024-01-09/",
        "in/dt=2024-01-10/",
    )


def test_same_part_of_a_date_twice_has_to_be_the_same():
    text = "in/{date:%Y}/{date:%m}/*_{date:%Y%m%d}.csv"
    paths = ["in/2024/02/fx_20240203.csv", "in/2024/02/fx_20240303.csv", "in/2023/02/fx_20240203.csv"]
    assert taken(text, *paths) == paths[:1]
    assert taken("in/*{date:%Y}*-{date:%Y}.csv", "in/2023_2024-2024.csv", "in/2023_2024-2025.csv") == [
        "in/2023_2024-2024.csv"
    ]


def test_contradicting_parts_of_a_date_are_no_date():
    assert taken("{date:%Y-%m-%d_%j}", "2024-03-01_061", "2024-03-01_060", "2023-03-01_060", "2023-12-31_366") == [
        "2024-03-01_061",
        "2023-03-01_060",
    ]
    assert taken("{date:%Y_%y}", "2024_24", "2024_23", "1999_98") == ["2024_24"]


def test_names_of_months_and_short_years():
    dates = parse_dates("2024-01-31", "2024-02-01")
    names = ["31JAN24.csv", "01Feb24.csv", "02feb24.csv", "30jan24.csv", "31Jam24.csv", "31jan68.csv"]
    assert taken("{date:%d%b%y}.csv", *names) == [name for name in names if "Jam" not in name]
    assert taken("{date:%d%b%y}.csv", *names, dates=dates) == names[:2]


@pytest.mark.parametrize(
    ("start", "end", "text", "expected"),
    [
        ("2024-01-15", "2024-02-01", "{date:%Y-%m}", ["2024-01", "2024-02"]),
        ("2024-01-15", "2025-06-01", "{date:%Y}", ["2024", "2025"]),
        ("2024-01-15T10:30", "2024-01-15T12:00", "{date:%Y%m%d/%H}", [f"20240115/{hour}" for hour in (10, 11, 12)]),
        ("2024-01-15T23:00", "2024-01-16", "{date:%Y%m%d}", ["20240115", "20240116"]),
        ("2024-12-30", "2025-01-02", "{date:%Y/%j}", ["2024/365", "2024/366", "2025/001", "2025/002"]),
        ("9999-12-31", "9999-12-31", "{date:%Y%m%d}", ["99991231"]),
    ],
)
def test_both_ends_of_a_range_are_in_it_and_each_date_is_a_prefix(start, end, text, expected):
    pattern = parse_pattern(text, dates=parse_dates(start, end))
    assert pattern.prefixes == tuple(expected)
    assert all(map(pattern.matches, expected))


def test_range_without_an_end_is_listed_by_what_stands_before_the_date():
    pattern = parse_pattern("in/{date:%Y/%m}.csv", dates=parse_dates("2024-02-01", None))
    assert pattern.prefixes == ("in/",)
    assert [year for year in ("2024/01", "2024/02", "2031/01") if pattern.matches(f"in/{year}.csv")] == [
        "2024/02",
        "2031/01",
    ]
    assert taken("{date:%Y}", "2023", "2024", dates=parse_dates(None, "2023-05-05")) == ["2023"]


@pytest.mark.parametrize(
    ("years", "first", "count"),
    [
        (1, "in/2001/01/01/", 365),
        (2, "in/2001/01/", 24),
        (30, "in/2001/01/", 360),
        (40, "in/2001/", 40),
        (401, "in/", 1),
    ],
)
def test_long_range_has_few_prefixes(years, first, count):
    dates = parse_dates("2001-01-01", f"{2000 + years}-12-31")
    prefixes = parse_pattern("in/{date:%Y/%m/%d}/a.csv", dates=dates).prefixes
    assert len(prefixes) == count <= MOST_PREFIXES
    assert prefixes[0].startswith(first)


def at(text):
    return datetime.fromisoformat(text)


MOMENTS = st.datetimes(at("1970-01-01"), at("2068-01-01"))
FORMATS = ["%Y/%m/%d", "%Y%m", "%Y", "dt=%Y-%m-%d", "%y%j", "%d.%m.%Y", "%Y-%m-%dT%H", "%H/%d/%b/%y", "%Y%%%m"]


@settings(max_examples=500, deadline=None)
@given(MOMENTS, MOMENTS, MOMENTS, st.sampled_from(FORMATS))
def test_date_is_taken_where_some_of_its_time_is_in_the_range(moment, one, other, form):
    start, end = sorted([one, other])
    path = f"in/{moment.strftime(form)}/a.csv"
    step = timedelta(hours=1) if "%H" in form else timedelta(days=1)
    size = 1 if "%d" in form or "%j" in form else 31 if "%m" in form or "%b" in form else 366
    near = [moment + step * i for i in range(-size, size + 1)] + [start, end]
    # if a moment that is spelled so is in the range, one of these is
    expected = any(start <= time <= end and time.strftime(form) == moment.strftime(form) for time in near)
    assert bool(taken(f"in/{{date:{form}}}/*.csv", path, dates=DateRange(start, end))) == expected


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("in/{date}/a", "in/{date}/a: character 4: {date}: does not say what the date looks like", "{date:%Y-%m-%d}"),
        ("in/{date:}/a", "in/{date:}/a: character 4: {date:}: does not say what", "{date:%Y-%m-%d}"),
        ("{date:%Y-%Q}", "{date:%Y-%Q}: character 1: {date:%Y-%Q}: '%Q' is no part of a date", "%Y %y %m %b %d %j %H;"),
        ("{date:%Y-%}", "{date:%Y-%}: character 1: {date:%Y-%}: '%' is no part of a date", "%% is a percent sign"),
        ("{date:%Y/a*", "{date:%Y/a*: character 1: {date:%Y/a*: has no closing brace", "a literal brace is [{]"),
        ("a/{day:%Y}", "a/{day:%Y}: character 3: {day:%Y}: no such placeholder", "{date:%Y-%m-%d}"),
        ("{date:%Y-%d}", "{date:%Y-%d}: the date has a day and no month", "add %m or %b"),
        ("{date:%m-%d}", "{date:%m-%d}: the date has a month and no year", "add %Y or %y"),
        ("{date:%Y-%m}/{date:%H}", "the date has an hour and no day", "add %d or %j"),
    ],
)
def test_date_that_cannot_be_understood_says_where_and_what_to_write(text, message, hint):
    with pytest.raises(UsageError) as caught:
        parse_pattern(text)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_range_needs_a_date_in_the_source():
    with pytest.raises(UsageError, match=r"in/\*\.csv: a range of dates, and no date in the source") as caught:
        parse_pattern("in/*.csv", dates=parse_dates("2024-01-01", None))
    assert "'trades/{date:%Y/%m/%d}/*.csv'" in caught.value.hint


def test_range_of_dates():
    assert parse_dates(None, None) is None
    assert parse_dates("2024-01-31", "2024-02-29") == DateRange(at("2024-01-31"), at("2024-02-29T23:59:59.999999"))
    assert parse_dates("2024-01-31T10:00", None) == DateRange(at("2024-01-31T10:00"), None)


@pytest.mark.parametrize(
    "text", ["yesterday", "2024-02-30", "2024-01-01T10:00Z", "2024-01-01T10:00+02:00", "", "31.1.2024"]
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(UsageError, match="expected a date or a time without zone") as caught:
        parse_dates(text, None)
    assert "2024-01-31T15:00" in caught.value.hint


def test_range_that_ends_before_it_begins_is_refused():
    with pytest.raises(UsageError, match="from 2024-02-01 to 2024-01-01: the end is before the start"):
        parse_dates("2024-02-01", "2024-01-01")


# include and exclude


PATHS = ["a.csv", "b.csv.gz", "us/a.csv", "us/old/a.csv", "eu/b.csv", "eu/.b.csv"]


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ([], [], PATHS),
        (["*.csv"], [], ["a.csv", "us/a.csv", "us/old/a.csv", "eu/b.csv"]),
        (["a*"], [], ["a.csv", "us/a.csv", "us/old/a.csv"]),
        (["us/*"], [], ["us/a.csv"]),
        (["us/"], [], ["us/a.csv", "us/old/a.csv"]),
        (["/a.csv"], [], ["a.csv"]),
        (["./*/b.csv", "*.gz"], [], ["b.csv.gz", "eu/b.csv"]),
        ([], ["**/old/**"], ["a.csv", "b.csv.gz", "us/a.csv", "eu/b.csv", "eu/.b.csv"]),
        ([], ["*b.csv*", ".*"], ["a.csv", "us/a.csv", "us/old/a.csv"]),
        (["us/**"], ["us/old/"], ["us/a.csv"]),
        (["{a}"], [], []),
    ],
)
def test_include_and_exclude_choose_by_name_or_by_relative_path(include, exclude, expected):
    selection = Selection(tuple(include), tuple(exclude))
    assert [path for path in PATHS if selection.takes(path)] == expected


def test_date_in_include_is_refused_with_where_it_belongs():
    with pytest.raises(UsageError, match="a date belongs into the source"):
        Selection(include=("{date:%Y}/*",))


# speed


@pytest.mark.parametrize(
    "text", ["in/**/dt={date:%Y-%m-%d}/*.csv.gz", "in/*/dt=2024-0[1-6]-??/part-*.csv.gz", "**/*_[!x]*.csv.gz"]
)
def test_many_keys_are_matched_at_once(text):
    keys = [f"in/fx/dt=2024-{i % 12 + 1:02}-{i % 28 + 1:02}/part-{i:08}.csv.gz" for i in range(120_000)]
    random.Random(1).shuffle(keys)
    pattern = parse_pattern(text)
    selection = Selection(exclude=("*.tmp", "old/**"))
    started = process_time()
    found = sum(pattern.matches(key) and selection.takes(key) for key in keys)
    seconds = process_time() - started
    assert found == (0 if "_" in text else 60_000 if "[1-6]" in text else 120_000)
    assert seconds < 1  # ten times what it takes


@pytest.mark.parametrize("text", ["*a*a*a*a*a*a*a*a*b", "**/a/**/a/**/a/**/b", "[!b]*[!b]*[!b]*[!b]*[!b]*c"])
def test_hard_pattern_is_decided_in_time(text):
    pattern = parse_pattern(text)
    started = process_time()
    assert not pattern.matches("a" * 200)
    assert not pattern.matches("/".join("a" * 40))
    assert process_time() - started < 1
