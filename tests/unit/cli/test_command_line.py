"""The command that a message tells to type: options as they are typed, without secrets."""

import shlex

from trade_ingest.cli.commands.plan import command_line
from trade_ingest.cli.invocation import Invocation


def test_settings_are_typed_as_options_without_secrets(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    invocation = Invocation(
        flags={
            "database_url": "postgresql://user:hunter2@host/db",
            "master": "sc://host:15002/;token=hunter2",
            "spark_conf": ("spark.hadoop.fs.s3a.secret.key=hunter2", "a.b=c"),
            "also": ("parquet:s3://lake/fx", "iceberg:glue:fx.trade"),
            "parallelism": 2,
            "output": "json",
        }
    )

    words = shlex.split(command_line(invocation, "run", ["in"], ["--reload"]))

    assert words[:3] == ["trade-ingest", "run", "in"]
    assert words[-1] == "--reload"
    options = list(zip(words[3:-1:2], words[4:-1:2], strict=True))
    assert options[0] == ("--database", "postgresql://user:***@host/db")
    assert options[2:] == [
        ("--conf", "spark.hadoop.fs.s3a.secret.key=***"),
        ("--conf", "a.b=c"),
        ("--also", "parquet:s3://lake/fx"),
        ("--also", "iceberg:glue:fx.trade"),
        ("--parallelism", "2"),
    ]
    assert options[1][0] == "--master"
    assert "hunter2" not in str(words)
