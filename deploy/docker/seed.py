"""Put sample files into the bucket of the store that compose.yaml starts; what is there already is left as it is."""

import os
import tempfile
from pathlib import Path

import obstore
from obstore.store import S3Store

from trade_ingest.contract.loading import load_contract
from trade_ingest.generate import generate

CONTRACTS = ("trade_event", "kraken_trades")
ROWS = 10_000
FILES = 5
COMPLETE = ".complete"
"""Made last: files of a job that was broken off are written again, the same."""


def main() -> None:
    """Generate files of each contract and upload them below ``<contract>/``."""
    store = S3Store(
        os.environ["STORAGE_BUCKET"],
        endpoint=os.environ["STORAGE_ENDPOINT"],
        access_key_id=os.environ["STORAGE_ACCESS_KEY"],
        secret_access_key=os.environ["STORAGE_SECRET_KEY"],
        region="us-east-1",
        client_options={"allow_http": True},
    )
    obstore.put(store, ".bucket", b"")  # the first object makes the bucket; sources pass over names with a dot
    there = {item["path"] for batch in obstore.list(store) for item in batch}
    if COMPLETE in there:
        print("the samples are there already")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in CONTRACTS:
            generate(load_contract(name), Path(folder, name), rows=ROWS, files=FILES)
        files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        for path in files:
            obstore.put(store, path.relative_to(folder).as_posix(), path)
    obstore.put(store, COMPLETE, b"")
    print(f"wrote {len(files)} files to s3://{os.environ['STORAGE_BUCKET']}")


if __name__ == "__main__":
    main()
