import os

from trade_ingest.engine.spark_daemon import without_archives


def make_package(folder):
    """A folder with pyspark and py4j installed as packages; the home of Spark in it."""
    (folder / "pyspark").mkdir(parents=True)
    (folder / "pyspark" / "worker.py").touch()
    (folder / "py4j").mkdir()
    return str(folder / "pyspark")


def test_archives_of_spark_give_way_to_the_installed_packages(tmp_path):
    home = make_package(tmp_path)
    paths = [
        f"{home}/python/lib/pyspark.zip",
        f"{home}/python/lib/py4j-0.10.9.9-src.zip",
        "/code",
        "/my-src.zip",
    ]
    assert without_archives(paths, home) == ["/code", "/my-src.zip", os.fspath(tmp_path)]


def test_folder_of_the_packages_is_not_named_twice(tmp_path):
    home = make_package(tmp_path)
    paths = [os.fspath(tmp_path), f"{home}/python/lib/pyspark.zip"]
    assert without_archives(paths, home) == [os.fspath(tmp_path)]


def test_archives_stay_where_spark_is_not_a_package(tmp_path):
    paths = [f"{tmp_path}/spark/python/lib/pyspark.zip", f"{tmp_path}/spark/python/lib/py4j-0.10.9.9-src.zip"]
    assert without_archives(paths, f"{tmp_path}/spark") == paths
    assert without_archives(paths, "") == paths
