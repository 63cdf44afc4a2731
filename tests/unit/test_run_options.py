"""Options of a run, kept in the ledger and typed again."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trade_ingest.contract.model import OnChanged, RejectLimit
from trade_ingest.run import RunOptions, command_line_options
from trade_ingest.settings import Layer, Origin, Settings
from trade_ingest.source.dates import DateRange
from trade_ingest.source.pattern import Selection


def test_defaults_are_not_typed():
    assert command_line_options(RunOptions().as_dict()) == []


def test_all_that_was_asked_for_is_typed():
    dates = DateRange(datetime(2024, 1, 2), None)  # noqa: DTZ001  # dates of paths have no zone
    selection = Selection(("a*", "b*"), ("c/",), dates, settle_seconds=0, marker="", checksum="off")
    options = RunOptions(
        engine="local",
        parallelism=3,
        on_changed=OnChanged.APPEND,
        reject_limit=RejectLimit(max_count=0, max_ratio=0.00000001),
        reload=True,
        selection=selection,
        after_load="move:s3://archive/fx",
        also=("parquet:s3://lake/fx", "iceberg:glue:fx.trade"),
    )
    typed = command_line_options(options.as_dict())

    assert " ".join(typed) == (
        "--engine local --parallelism 3 --on-changed append --max-rejects 0,0.000001% --reload"
        " --after-load move:s3://archive/fx --also parquet:s3://lake/fx --also iceberg:glue:fx.trade"
        " --include a* --include b* --exclude c/ --from 2024-01-02"
        " --settle 0 --marker  --checksum off"
    )


def test_where_options_come_from_is_kept_and_not_typed():
    flag, variable = Origin(Layer.FLAG, "--max-rejects"), Origin(Layer.ENVIRONMENT, "TRADE_INGEST_ENGINE")
    settings = Settings(engine="local", max_rejects="3").with_origins({"max_rejects": flag, "engine": variable})
    kept = RunOptions.of(settings).as_dict()

    assert kept["origins"] == {"engine": "TRADE_INGEST_ENGINE", "reject_limit": "--max-rejects"}
    assert command_line_options(kept) == ["--engine", "local", "--max-rejects", "3,0%"]


@pytest.mark.parametrize(("count", "ratio", "text"), [(10, 0.01, "10,1%"), (0, 0.0, "0,0%"), (3, 0.125, "3,12.5%")])
def test_limit_is_typed_as_people_write_it(count, ratio, text):
    assert RejectLimit(max_count=count, max_ratio=ratio).as_option() == text


@given(st.integers(0, 10**18), st.integers(0, 10**10))
def test_typed_limit_is_the_limit(count, parts):
    limit = RejectLimit(max_count=count, max_ratio=parts / 10**10)

    found = Settings(max_rejects=limit.as_option()).reject_limit
    assert found is not None
    assert (found.max_count, found.max_ratio) == (count, pytest.approx(limit.max_ratio, abs=1e-12))
