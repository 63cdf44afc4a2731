"""Lakes in object stores: the accepted rows, read back by pyarrow; killed on the way, nothing is missing or doubled."""

import io
import subprocess
import sys
import threading

import pyarrow.parquet as pq
import pytest

KINDS = ["s3", "azure", "gcs"]


def lake_rows(store, loading, prefix="lake/"):
    """The rows of all Parquet objects as ``Loading.expected`` has them; each is below its day."""
    uris = dict(loading.query("SELECT file_id, uri FROM ingest.file"))
    rows = []
    for key in store.keys(prefix):
        for row in pq.read_table(io.BytesIO(store.get(key)), partitioning=None).to_pylist():
            assert f"/event_date={row['executed_at']:%Y-%m-%d}/" in key
            values = [row[name] for name in ("trade_id", "price", "quantity", "note", "executed_at")]
            rows.append((uris[row["file_id"]], row["row_number"], *values))
    return sorted(rows, key=lambda row: row[:2])


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_in_parquet_objects_and_leave_with_their_file(kind, request, loading_of):
    store = request.getfixturevalue(f"{kind}_store")
    loading = loading_of(store)
    loading.put("in/a.csv", range(1, 301))
    loading.put("in/large.csv.gz", range(1_000, 60_000), pack=True)
    loading.sources = [f"{store.root}/in/"]
    expected = loading.expected("in/a.csv", "in/large.csv.gz")

    done = loading.run("--also", f"parquet:{store.root}/lake")

    assert (done.outcome, done.json["files_handed_over"], done.json["handover_failed"]) == ((0, 2, 0, []), 2, [])
    assert lake_rows(store, loading) == expected
    ((large,),) = loading.query("SELECT file_id FROM ingest.file WHERE uri LIKE '%large%'")
    assert loading.call("rollback", str(large), "--yes").code == 0
    assert lake_rows(store, loading) == loading.expected("in/a.csv")


def is_second_object(seen):
    def when(request):
        if request.method == "PUT" and "/lake/" in request.path:
            seen.add(request.path)
        return len(seen) == 2

    return when


def test_killed_between_two_objects_and_made_up_by_the_next_run(s3_store, proxy_for, loading_of):
    proxy = proxy_for(s3_store)
    loading = loading_of(s3_store, s3_store.behind(proxy.port))
    first = "F1,1.5000,1,a,2024-03-04 09:00:00\n"
    content = f"trade_id,price,quantity,note,executed_at\n{first}{first.replace('F1', 'F2').replace('-04', '-05')}"
    loading.store.put("in/a.csv", content.encode())
    loading.sources = [f"{s3_store.root}/in/"]
    arrived, is_over = threading.Event(), threading.Event()

    def hold(exchange):
        arrived.set()
        is_over.wait(60)
        exchange.reset()

    proxy.on(hold, when=is_second_object(set()))
    command = [sys.executable, "-m", "trade_ingest", "run", *loading.sources, "--also", f"parquet:{s3_store.root}/lake"]
    process = subprocess.Popen(command, cwd=loading.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        assert arrived.wait(90), "it never came to that request"
    finally:
        process.kill()
        process.communicate()
        is_over.set()
    proxy.clear()
    assert len(lake_rows(s3_store, loading)) == 1
    assert len(loading.query("SELECT unnest(objects) FROM ingest.handover")) == 2

    again = loading.run()

    assert (again.outcome, again.json["files_handed_over"]) == ((0, 0, 1, []), 1)
    assert lake_rows(s3_store, loading) == loading.expected("in/a.csv")


def test_iceberg_table_in_s3_is_read_by_others(s3_store, loading_of):
    pytest.importorskip("pyiceberg")
    from pyiceberg.table import StaticTable

    loading = loading_of(s3_store)
    loading.put("in/a.csv", range(1, 301))
    loading.put("in/b.csv", range(301, 501))
    loading.sources = [f"{s3_store.root}/in/"]

    done = loading.run("--also", f"iceberg:{s3_store.root}/table")

    assert (done.outcome, done.json["files_handed_over"], done.json["handover_failed"]) == ((0, 2, 0, []), 2, [])
    ((metadata,),) = loading.query("SELECT metadata_location FROM ingest.iceberg_tables")
    environment = s3_store.environment
    table = StaticTable.from_metadata(
        metadata,
        {
            "s3.endpoint": environment["AWS_ENDPOINT_URL"],
            "s3.access-key-id": environment["AWS_ACCESS_KEY_ID"],
            "s3.secret-access-key": environment["AWS_SECRET_ACCESS_KEY"],
            "s3.region": environment["AWS_REGION"],
        },
    )
    found = table.scan().to_arrow().sort_by([("file_id", "ascending"), ("row_number", "ascending")]).to_pylist()
    assert [(row["trade_id"], row["price"], row["note"], row["executed_at"]) for row in found] == [
        (row[2], row[3], row[5], row[6]) for row in loading.expected("in/a.csv", "in/b.csv")
    ]
    assert loading.call("rollback", "1", "--yes").code == 0
    ((metadata,),) = loading.query("SELECT metadata_location FROM ingest.iceberg_tables")
    assert metadata.startswith(f"{s3_store.root}/table/metadata/")


def test_secrets_of_a_lake_are_nowhere(s3_store, loading_of):
    loading = loading_of(s3_store)
    loading.put("in/a.csv", range(1, 11))
    loading.sources = [f"{s3_store.root}/in/"]

    done = loading.run("--also", f"parquet:{s3_store.root.replace('deliveries', 'nowhere')}/lake")

    kept = loading.query("SELECT h::text || l::text FROM ingest.handover AS h JOIN ingest.lake AS l USING (lake_id)")
    assert kept
    assert [secret for secret in s3_store.secrets if secret in f"{done.out}{done.err}{kept}"] == []
