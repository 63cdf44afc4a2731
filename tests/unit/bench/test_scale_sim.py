"""The simulation of many workers gives the measured points again, and keeps within what it is told of the machines."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[3] / "bench"


@pytest.fixture(scope="module")
def sim():
    specification = importlib.util.spec_from_file_location("scale_sim", BENCH / "scale_sim.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules["scale_sim"] = module
    specification.loader.exec_module(module)
    yield module
    del sys.modules["scale_sim"]


@pytest.fixture(scope="module")
def measured():
    return json.loads((BENCH / "scale.json").read_text())


POINTS = {"1": (1, 1), "2_into_one_table": (2, 1), "2_into_two_tables": (2, 2)}
"""Workers and partitions of each measured point."""


def test_measured_points_come_out_again(sim, measured):
    found = {}
    for case, points in measured["copy"].items():
        model = sim.Model.of(measured, case, client_seconds=0.0, file_seconds=0.0)
        for point, (workers, partitions) in POINTS.items():
            if point in points:
                done = sim.simulate(
                    model, workers=workers, partitions=partitions, files=workers, rows_per_file=1_000_000
                )
                found[case, point] = done.rows_per_second

    assert found == {
        (case, point): pytest.approx(values["rows_per_second"], rel=1e-6)
        for case, points in measured["copy"].items()
        for point, values in points.items()
    }
    assert {point for _, point in found} >= {"1", "2_into_one_table"}


@pytest.fixture
def model(sim):
    """A row takes a backend 2 µs alone, a tenth more for each other connection, and three tenths in one partition."""
    return sim.Model(
        backend_seconds=2e-6, same_slope=0.3, apart_slope=0.1, client_seconds=0.0, file_seconds=0.0, server_processors=4
    )


@pytest.mark.parametrize(
    ("workers", "partitions", "rows_per_second"),
    [
        (1, 1, 500_000),
        (2, 1, 1_000_000 / 1.3),
        (2, 2, 1_000_000 / 1.1),
        (4, 2, 2_000_000 / 1.5),
        (8, 8, 2_000_000 / 1.7),
    ],
)
def test_connections_share_partitions_and_processors(sim, model, workers, partitions, rows_per_second):
    done = sim.simulate(model, workers=workers, partitions=partitions, files=workers, rows_per_file=1000)

    assert (done.rows_per_second, done.limit) == (pytest.approx(rows_per_second), "server")


@pytest.mark.parametrize(
    ("changes", "rows_per_second", "limit"),
    [
        ({"client_seconds": 10e-6}, 200_000, "workers"),
        ({"network_bytes": 100.0, "network_bytes_per_second": 1e6}, 20_000, "network"),
        ({"wal_bytes": 100.0, "wal_bytes_per_second": 3e6}, 30_000, "wal"),
    ],
)
def test_what_holds_a_run_back_is_named(sim, model, changes, rows_per_second, limit):
    limited = sim.replace(model, **changes)

    done = sim.simulate(limited, workers=2, partitions=2, files=2, rows_per_file=1000)

    assert (done.rows_per_second, done.limit) == (pytest.approx(rows_per_second), limit)


def test_last_file_runs_alone_and_files_have_a_cost_of_their_own(sim, model):
    model = sim.replace(model, same_slope=0.0, apart_slope=0.0, file_seconds=0.5)

    done = sim.simulate(model, workers=2, partitions=1, files=3, rows_per_file=500_000)

    assert done.seconds == pytest.approx(2 * (0.5 + 1.0))
