"""A listing stays within its bounds, wherever links lead."""

import os
import zipfile

import pytest

from trade_ingest.contract.model import Delivery
from trade_ingest.errors import SourceNotAllowedError
from trade_ingest.source.bounds import Bounds
from trade_ingest.source.listing import OpenListing


@pytest.fixture
def folder(tmp_path):
    """An allowed folder with one file of its own, links that stay in it, and links that lead out."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    (inside / "own").mkdir(parents=True)
    (outside / "deep").mkdir(parents=True)
    for path in (inside / "own" / "a.csv", outside / "secret.csv", outside / "deep" / "secret.txt", outside / "notes"):
        path.write_text("x\n")
    with zipfile.ZipFile(outside / "secret.zip", "w") as archive:
        archive.writestr("member.csv", "x\n")
    (inside / "stays").symlink_to(inside / "own")
    (inside / "stays.csv").symlink_to(inside / "own" / "a.csv")
    (inside / "leaves").symlink_to(outside)
    (inside / "leaves.csv").symlink_to(outside / "secret.csv")
    (inside / "leaves.zip").symlink_to(outside / "secret.zip")
    return inside


def listed(folder, *sources, within=None):
    """The files and what was left out, relative to the folder."""
    listing = OpenListing([f"{folder}/{source}" for source in sources], within=within or [str(folder)])
    files = sorted({os.path.relpath(file.uri, folder) for file in listing})
    return files, [os.path.relpath(path, folder) for path in listing.ignored]


def test_files_behind_links_that_lead_out_are_left_out(folder):
    assert listed(folder, "") == (["own/a.csv", "stays.csv"], ["leaves", "leaves.csv", "leaves.zip"])
    assert listed(folder, "*/*.csv") == (["own/a.csv", "stays/a.csv"], ["leaves"])
    assert listed(folder, "**/*.csv") == (["own/a.csv", "stays.csv"], ["leaves", "leaves.csv"])
    assert listed(folder, "*.csv") == (["stays.csv"], ["leaves.csv"])


@pytest.mark.parametrize(
    "source",
    ["lea*/*.csv", "leaves", "leaves/**", "*/deep/*", "l*.csv", "leaves.csv", "leaves.zip", "leaves.zip!/member.csv"],
)
def test_source_with_nothing_within_is_refused(folder, source):
    with pytest.raises(SourceNotAllowedError):
        listed(folder, source)


def test_dated_pattern_cannot_climb_out(folder, tmp_path):
    (tmp_path / "out" / "2024.csv").write_text("x\n")

    with pytest.raises(SourceNotAllowedError):
        listed(folder, "{date:../out/%Y}.csv")


def test_folders_may_be_reached_by_links_and_several_may_be_allowed(folder, tmp_path):
    (tmp_path / "alias").symlink_to(folder)

    assert listed(tmp_path / "alias", "own", within=[str(tmp_path / "alias")]) == (["own/a.csv"], [])
    assert listed(folder, "*/*.csv", within=[f"{tmp_path}/in", f"{tmp_path}/out/"]) == (
        ["leaves/secret.csv", "own/a.csv", "stays/a.csv"],
        [],
    )


def test_without_bounds_links_are_followed(folder):
    assert len(list(OpenListing([f"{folder}/*/*.csv"]))) == 3


def test_folder_that_looks_like_an_archive_hides_no_link(folder):
    (folder / "x.zip!").mkdir()
    (folder / "x.zip!" / "link").symlink_to(folder.parent / "out")

    assert not Bounds([str(folder)]).holds_path(f"{folder}/x.zip!/link/secret.csv")


def test_names_that_begin_alike_are_not_within(tmp_path):
    bounds = Bounds([f"{tmp_path}/in", "s3://desk/fx/"])

    assert not bounds.holds_path(f"{tmp_path}/inside/a.csv")
    assert Bounds(["/"]).holds_path("/etc/hosts")


@pytest.mark.parametrize("name", ["../../notes", "linked"])
@pytest.mark.parametrize("kind", ["marker", "manifest"])
def test_marker_and_manifest_are_not_read_outside(folder, kind, name):
    (folder.parent / "notes").write_text("password\n")
    (folder / "own" / "linked").symlink_to(folder.parent / "notes")

    with pytest.raises(SourceNotAllowedError):
        list(OpenListing([f"{folder}/own"], within=[str(folder)], delivery=Delivery(**{kind: name})))
    (folder / "notes").write_text("own/a.csv\n")
    listing = OpenListing([f"{folder}/own"], within=[str(folder)], delivery=Delivery(**{kind: "../notes"}))
    assert [file.held for file in listing] == [""]
