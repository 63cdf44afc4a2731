"""Each list: its whole answer for a small load, its filters, its orders, its cursors."""

import pytest

from trade_ingest.ledger import pages


@pytest.fixture
def many(desk):
    """Six runs of one file each; in pairs of equal sizes, and the third one failed."""
    for number in range(6):
        header = {"header": "no,such"} if number == 2 else {}
        desk.write(f"{number}.csv", [desk.line(f"{number}-{row}") for row in range(1 + number // 2)], **header)
        desk.ingest(f"{number}.csv")
    return desk


def ids(pages_of_items, name):
    return [item[name] for page in pages_of_items for item in page]


def test_runs_are_listed_with_all_their_numbers(api, loaded):
    answer = api.get("/runs")

    (run,) = answer["items"]
    assert answer["next_cursor"] is None
    assert run.pop("started_at").endswith("Z")
    assert run.pop("ended_at").endswith("Z")
    assert run.pop("rows_per_second") == pytest.approx(3 / run.pop("duration_seconds"))
    assert {name: type(run.pop(name)) for name in ("started_by", "host")} == {"started_by": str, "host": str}
    assert run == {
        "run_id": 1,
        "kind": "ingest",
        "state": "failed",
        "target": "public.fill",
        "sources": [str(loaded.folder)],
        "contract": "fill",
        "contract_version": 1,
        "engine": "local",
        "program_version": "0.1.0",
        "files_planned": 2,
        "files_loaded": 1,
        "files_failed": 1,
        "files_skipped": 0,
        "rows_read": 3,
        "rows_loaded": 1,
        "rows_duplicate": 0,
        "rows_rejected": 2,
        "bytes_read": (loaded.folder / "a.csv").stat().st_size,
        "error": None,
    }


def test_files_are_listed_with_all_that_the_ledger_knows(api, loaded):
    bad, good = api.get("/files")["items"]

    moments = ("discovered_at", "claimed_at", "loaded_at")
    assert all(good.pop(name).endswith("Z") for name in moments)
    assert good.pop("duration_seconds") > 0
    path = loaded.folder / "a.csv"
    assert good == {
        "file_id": 1,
        "target": "public.fill",
        "uri": str(path),
        "version": f"{path.stat().st_size}-1000000000",
        "size_bytes": path.stat().st_size,
        "modified_at": "1970-01-01T00:00:01Z",
        "state": "loaded",
        "reason": None,
        "run_id": 1,
        "contract": "fill",
        "contract_version": 1,
        "attempts": 1,
        "rows_read": 3,
        "rows_loaded": 1,
        "rows_duplicate": 0,
        "rows_rejected": 2,
        "event_time_min": "2024-03-04T09:00:00Z",
        "event_time_max": "2024-03-04T09:00:00Z",
        "replaces_file_id": None,
        "same_as_file_id": None,
        "error": None,
    }
    assert (bad["file_id"], bad["state"], bad["reason"], bad["loaded_at"]) == (2, "failed", "file.header", None)
    assert (bad["error"]["code"], bad["error"]["retryable"]) == ("file.header", False)


def test_rejects_are_listed_with_the_bad_cells_marked(api, loaded):
    second, first = api.get("/rejects")["items"]

    assert first == {
        "reject_id": 1,
        "file_id": 1,
        "uri": str(loaded.folder / "a.csv"),
        "run_id": 1,
        "row_number": 2,
        "byte_offset": 78,
        "raw_text": "A2,AAPL,-1,3,2024-03-04 09:00:00",
        "reasons": [{"code": "below_min", "column": "price", "value": "-1"}],
        "marks": [{"start": 8, "end": 10}],
        "state": "open",
        "resolved_at": None,
        "resolved_run_id": None,
        "discard_reason": None,
    }
    assert [second["raw_text"][mark["start"] : mark["end"]] for mark in second["marks"]] == ["-2", "x"]
    assert api.get("/rejects/1") == first


def test_reject_groups_count_by_reason_column_and_contract_and_day(api, loaded):
    (day,) = loaded.query("SELECT (started_at AT TIME ZONE 'UTC')::date::text FROM ingest.run")[0]
    group = {"contract": "fill", "files": 1}
    prices = {"reason": "below_min", "column": "price", "rejects": 2, "example_reject_id": 1, "example_value": "-1"}
    numbers = {
        "reason": "invalid_integer", "column": "quantity", "rejects": 1, "example_reject_id": 2, "example_value": "x",
    }  # fmt: skip

    assert api.get("/rejects/groups") == {
        "items": [
            group | prices | {"days": [{"date": day, "rejects": 2}]},
            group | numbers | {"days": [{"date": day, "rejects": 1}]},
        ]
    }
    assert api.get("/rejects/groups", column="quantity", contract="fill")["items"][0]["rejects"] == 1
    assert api.get("/rejects/groups", contract="other") == {"items": []}
    assert api.get("/rejects/groups", state="replayed") == {"items": []}


def test_rejects_are_counted_by_file(api, desk):
    desk.load("few.csv", [desk.line("A1", price="-1"), desk.line("A2")])
    desk.load("many.csv", [desk.line("B1", price="-1"), desk.line("B2", price="-2"), desk.line("B3", quantity="x")])

    uris = [f"{desk.folder}/{name}" for name in ("many.csv", "few.csv")]
    ids = [api.get("/files", uri=uri)["items"][0]["file_id"] for uri in uris]
    many, few = ({"file_id": ids[n], "uri": uris[n], "state": "loaded"} for n in (0, 1))
    assert api.get("/rejects/files") == {"items": [many | {"rejects": 3}, few | {"rejects": 1}], "files": 2}
    assert api.get("/rejects/files", column="quantity") == {"items": [many | {"rejects": 1}], "files": 1}
    assert api.get("/rejects/files", limit=1) == {"items": [many | {"rejects": 3}], "files": 2}
    assert api.get("/rejects/files", state="replayed") == {"items": [], "files": 0}


def test_rejects_are_those_of_the_same_days_wherever_they_are_asked_for(api, desk):
    for name, ago in (("a", 40), ("b", 20), ("c", 0)):
        desk.load(f"{name}.csv", [desk.line(name, price="-1")])
        desk.execute("UPDATE ingest.run SET started_at = now() - make_interval(days => %s) WHERE run_id IN"
                     " (SELECT max(run_id) FROM ingest.run)", ago)  # fmt: skip

    def found(**wanted):
        (group,) = api.get("/rejects/groups", **wanted)["items"]
        return group["rejects"]

    def listed(**wanted):
        return [reject["reject_id"] for reject in api.get("/rejects", **wanted)["items"]]

    assert [found(), found(days=41), found(days=19)] == [2, 3, 1]
    assert [listed(), listed(days=30), listed(days=19)] == [[3, 2, 1], [3, 2], [3]]
    assert api.ask("/rejects/export", days=19).text.count("\n") == 2  # a header and a row
    assert api.get("/rejects", days=30, include="total")["total"] == 2
    meant = {"contract": "fill", "days": 19}
    assert api.post("/rejects/replay", meant | {"preview": True})["rows_tried"] == 1
    assert api.post("/rejects/discard", meant | {"why": "tests"})["rejects"] == 1
    assert listed() == [2, 1]


def test_events_and_attempts_of_a_run_are_in_order(api, loaded):
    events = api.walk("/runs/1/events", limit=2)
    attempts = api.get("/runs/1/attempts")["items"]

    assert [event["event"] for page in events for event in page] == [
        "run_started",
        "target_created",
        "run_planned",
        "file_loaded",
        "file_failed",
        "run_ended",
    ]
    assert api.get("/runs/1/events", kind="file_failed,run_ended")["items"] == [events[2][0], events[2][1]]
    assert [(a["file_id"], a["number"], a["state"], a["rows_read"]) for a in attempts] == [
        (1, 1, "loaded", 3),
        (2, 1, "failed", 0),
    ]
    assert [event["event"] for event in api.get("/files/1/events")["items"]] == ["file_loaded"]


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize(
    "sort",
    ["run_id", "ended_at", "duration_seconds", "rows_per_second", "rows_read", "files_failed", "bytes_read", "state"],
)
def test_pages_of_runs_have_each_run_once_in_any_order(api, many, sign, sort):
    walked = api.walk("/runs", sort=f"{sign}{sort}", limit=2)

    assert [len(page) for page in walked] == [2, 2, 2]
    runs = [item for page in walked for item in page]
    keys = [(run[sort], run["run_id"]) for run in runs]
    assert keys == sorted(keys, reverse=sign == "-")
    assert {run["run_id"] for run in runs} == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("sort", ["uri", "-size_bytes", "rows_read", "-rows_rejected", "-file_id"])
def test_pages_of_files_have_each_file_once_though_many_are_equal(api, many, sort):
    walked = api.walk("/files", sort=sort, limit=1)

    files = [item for page in walked for item in page]
    name = sort.removeprefix("-")
    keys = [(file[name], file["file_id"]) for file in files]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert len(set(keys)) == 6


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("reason", [1, 3, 2]), ("-reason", [2, 3, 1]), ("attempts", [1, 3, 2]), ("-attempts", [2, 3, 1])],
)
def test_files_of_a_run_are_ordered_by_why_and_by_their_attempts(api, desk, sort, expected):
    for name in ("a.csv", "b.csv", "c.csv"):
        desk.write(name, [desk.line(name)])
    desk.write("b.csv", ["x"], header="no,such")
    desk.ingest()
    desk.ingest("b.csv")
    desk.execute("UPDATE ingest.file SET reason = 'deleted' WHERE file_id = 3")
    desk.execute("UPDATE ingest.file SET run_id = 1")
    desk.execute("UPDATE ingest.attempt SET number = 5 WHERE file_id = 2 AND number = 2")
    desk.execute("UPDATE ingest.attempt SET number = 2 WHERE file_id = 3")

    assert ids(api.walk("/files", run_id=1, sort=sort, limit=1), "file_id") == expected


def test_files_that_are_not_loaded_are_at_the_end_of_the_newest_loaded(api, many):
    assert ids(api.walk("/files", sort="-loaded_at", limit=2), "file_id") == [6, 5, 4, 2, 1, 3]


def test_what_comes_in_while_somebody_pages_neither_shifts_nor_doubles_anything(api, many):
    first = api.get("/files", limit=3)
    many.load("new.csv", [many.line("new")])
    second = api.get("/files", limit=3, cursor=first["next_cursor"])

    assert [file["file_id"] for file in first["items"] + second["items"]] == [6, 5, 4, 3, 2, 1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"state": "failed"}, [3]),
        ({"state": "failed,succeeded", "limit": 3}, [6, 5, 4]),
        ({"kind": "replay"}, []),
        ({"target": "public.fill", "contract": "fill", "engine": "local", "limit": 1}, [6]),
        ({"target": "public.other"}, []),
        ({"source": "*/4.csv"}, [5]),
        ({"source": "4.csv"}, [5]),
        ({"source": "*4"}, []),
        ({"min_files_failed": 1}, [3]),
        ({"started_to": "2001-01-01T00:00:00Z"}, []),
        ({"started_from": "2001-01-01T01:00:00+01:00", "limit": 2}, [6, 5]),
        ({"min_duration_seconds": 86400}, []),
    ],
)
def test_runs_are_filtered(api, many, filters, expected):
    assert [run["run_id"] for run in api.get("/runs", **filters)["items"]] == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"run_id": 4}, [4]),
        ({"state": "failed"}, [3]),
        ({"state": "loaded,failed", "limit": 2}, [6, 5]),
        ({"uri": "*/5.csv"}, [6]),
        ({"uri": "1.cs"}, [2]),
        ({"reason": "file.header"}, [3]),
        ({"contract": "other"}, []),
        ({"target": "public.fill", "state": "failed", "sort": "-size_bytes"}, [3]),
        ({"event_from": "2024-03-04T09:00:01Z"}, []),
        ({"event_to": "2024-03-05T00:00:00Z", "sort": "uri", "limit": 2}, [1, 2]),
        ({"loaded_from": "2199-01-01T00:00:00Z"}, []),
        ({"min_rows_rejected": 1}, []),
        ({"run_id": 4, "sort": "-modified_at"}, [4]),
    ],
)
def test_files_are_filtered(api, many, filters, expected):
    assert [file["file_id"] for file in api.get("/files", **filters)["items"]] == expected


def test_a_filter_without_an_index_looks_at_so_many_rows_and_goes_on(api, many, monkeypatch):
    monkeypatch.setattr(pages, "SCANNED_ROWS", 2)

    walked = api.walk("/files", uri="*/1.csv")

    assert [[file["file_id"] for file in page] for page in walked] == [[], [], [2], []]


def test_order_without_an_index_is_offered_only_for_the_files_of_one_run(api, many):
    refused = api.ask("/files", sort="-rows_loaded")

    assert (refused.status_code, refused.json["code"]) == (400, "api.request")
    assert "add run_id, or sort by file_id" in refused.json["hint"]
    assert len(api.get("/runs/4/files", sort="-rows_loaded")["items"]) == 1


def test_cursor_belongs_to_its_filters_and_its_order(api, many):
    cursor = api.get("/runs", limit=1, state="succeeded")["next_cursor"]

    for other in ({}, {"state": "failed"}, {"state": "succeeded", "sort": "run_id"}):
        refused = api.ask("/runs", cursor=cursor, **other)
        assert (refused.status_code, refused.json["code"]) == (400, "api.cursor")
        assert refused.json["detail"] == "the cursor belongs to a list with other filters or another order"
    assert api.ask("/files", cursor=cursor).status_code == 400
    assert [run["run_id"] for run in api.get("/runs", limit=1, state="succeeded", cursor=cursor)["items"]] == [5]
    assert len(api.get("/runs", limit=9, state="succeeded", cursor=cursor)["items"]) == 4


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "=" * 40, "A" * 60])
def test_what_is_no_cursor_is_said_to_be_none(api, many, cursor):
    refused = api.ask("/runs", cursor=cursor)

    assert (refused.status_code, refused.json["code"]) == (400, "api.cursor")
    assert refused.json["detail"] == "the cursor is not one that a list gave"


@pytest.mark.parametrize(
    ("path", "filters", "total"),
    [
        ("/runs", {}, 6),
        ("/runs", {"state": "succeeded"}, 5),
        ("/runs", {"min_files_failed": 1}, 1),
        ("/files", {"state": "loaded,failed"}, 6),
        ("/files", {"uri": "?.csv", "run_id": 3}, 0),
        ("/files", {"target": "public.fill", "min_size_bytes": 1}, 6),
        ("/runs/3/files", {"state": "failed"}, 1),
        ("/rejects", {}, 0),
    ],
)
def test_list_is_counted_on_request(api, many, path, filters, total):
    plain = api.get(path, limit=1, **filters)
    counted = api.get(path, limit=1, include="total", **filters)

    assert (plain["total"], plain["total_is_exact"]) == (None, None)
    assert counted == plain | {"total": total, "total_is_exact": True}


def test_rejects_are_counted_by_their_filters(api, loaded):
    for filters, total in (({}, 2), ({"column": "quantity"}, 1), ({"contract": "other"}, 0), ({"file_id": 1}, 2)):
        assert api.get("/rejects", include="total", **filters)["total"] == total


def test_cursor_of_a_page_that_was_counted_goes_on_without_counting(api, many):
    first = api.get("/runs", limit=4, include="total")
    second = api.get("/runs", limit=4, cursor=first["next_cursor"])

    assert [run["run_id"] for run in first["items"] + second["items"]] == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("limit_name", "filters", "total"),
    [("COUNTED_ROWS", {}, 4), ("COUNTED_OF_ROWS", {"min_files_failed": 0}, 5)],
)
def test_counting_ends_and_says_so(api, many, monkeypatch, limit_name, filters, total):
    monkeypatch.setattr(pages, limit_name, 4)

    answer = api.get("/runs", include="total", **filters)

    assert (answer["total"], answer["total_is_exact"]) == (total, False)
    monkeypatch.setattr(pages, limit_name, 6)
    answer = api.get("/runs", include="total", **filters)
    assert (answer["total"], answer["total_is_exact"]) == (6, True)


def test_only_totals_can_be_included(api, many):
    assert api.ask("/runs", include="rows").status_code == 400
    assert api.ask("/runs/1/attempts", include="total").status_code == 400
