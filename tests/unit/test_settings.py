import os
import re
from pathlib import Path

import pytest

from trade_ingest.contract.model import RejectLimit
from trade_ingest.errors import ConfigurationError
from trade_ingest.settings import Layer, Settings, load_settings, mask_url, resolve_database

ROOT = Path(__file__).parents[2]


def load(folder, *, flags=None, environment=None, env_file=None, toml=None, config_file=None):
    if env_file is not None:
        (folder / ".env").write_text(env_file)
    if toml is not None:
        (folder / (config_file or "trade-ingest.toml")).write_text(toml)
    return load_settings(flags=flags, environment=environment or {}, folder=folder, config_file=config_file)


def problems_of(folder, **layers):
    with pytest.raises(ConfigurationError) as caught:
        load(folder, **layers)
    assert str(caught.value).splitlines() == list(caught.value.fields["problems"])
    return list(caught.value.fields["problems"])


def test_defaults_hold_where_nothing_is_said(tmp_path):
    settings = load(tmp_path)

    assert settings.model_dump() == {
        "database_url": None,
        "contract": "trade_event",
        "source": (),
        "engine": "auto",
        "master": None,
        "spark_conf": (),
        "max_connections": None,
        "parallelism": None,
        "on_changed": None,
        "after_load": "keep",
        "also": (),
        "max_rejects": None,
        "data_dir": None,
        "connections": {},
        "api_host": "127.0.0.1",
        "api_port": 8480,
        "api_auth": "none",
        "api_hosts": (),
        "api_sources": (),
        "api_max_runs": 2,
        "api_max_streams": 100,
        "api_proxy_addresses": (),
        "api_proxy_user_header": None,
        "api_proxy_scope": "read",
        "api_oidc_issuer": None,
        "api_oidc_audience": None,
        "api_oidc_jwks_url": None,
        "api_oidc_claim": "scope",
        "notify": (),
        "notify_late_hours": None,
        "log_level": "warning",
        "output": "text",
    }
    assert {settings.origin_of(name).layer for name in Settings.model_fields} == {Layer.DEFAULT}


def test_stronger_layer_wins_and_is_named_as_origin(tmp_path):
    settings = load(
        tmp_path,
        toml='contract = "a"\nparallelism = 1\nmax_rejects = 1\nlog_level = "info"\n',
        env_file="TRADE_INGEST_PARALLELISM=2\nTRADE_INGEST_MAX_REJECTS=2\nTRADE_INGEST_LOG_LEVEL=debug\n",
        environment={"TRADE_INGEST_MAX_REJECTS": "3", "TRADE_INGEST_LOG_LEVEL": "error"},
        flags={"log_level": "warning"},
    )

    found = {name: (getattr(settings, name), str(settings.origin_of(name))) for name in Settings.model_fields}
    assert {name: value for name, value in found.items() if value[1] != "default"} == {
        "contract": ("a", "contract in trade-ingest.toml"),
        "parallelism": (2, "TRADE_INGEST_PARALLELISM in .env"),
        "max_rejects": ("3", "TRADE_INGEST_MAX_REJECTS"),
        "log_level": ("warning", "--log-level"),
    }


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        ({"flags": {"max_rejects": "0"}}, {"environment": {"TRADE_INGEST_MAX_REJECTS": "5"}}),
        ({"environment": {"TRADE_INGEST_MAX_REJECTS": "0"}}, {"env_file": "TRADE_INGEST_MAX_REJECTS=5\n"}),
        ({"env_file": "TRADE_INGEST_MAX_REJECTS=0\n"}, {"toml": "max_rejects = 5\n"}),
        ({"toml": "max_rejects = 0\n"}, {}),
    ],
)
def test_explicit_zero_is_kept(tmp_path, stronger, weaker):
    assert load(tmp_path, **stronger, **weaker).reject_limit == RejectLimit(max_count=0, max_ratio=0)


def test_empty_text_takes_back_what_a_weaker_layer_says(tmp_path):
    settings = load(
        tmp_path,
        env_file="TRADE_INGEST_DATABASE_URL=postgresql://db/x\nTRADE_INGEST_SOURCE=a.csv\nTRADE_INGEST_PARALLELISM=4\n",
        environment={"TRADE_INGEST_DATABASE_URL": "", "TRADE_INGEST_SOURCE": "", "TRADE_INGEST_PARALLELISM": ""},
    )

    assert (settings.database_url, settings.source, settings.parallelism) == (None, (), None)
    assert settings.origin_of("database_url").layer == Layer.ENVIRONMENT


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("10", RejectLimit(max_count=10, max_ratio=0)),
        ("1%", RejectLimit(max_count=0, max_ratio=0.01)),
        ("0.5 %", RejectLimit(max_count=0, max_ratio=0.005)),
        ("10,1%", RejectLimit(max_count=10, max_ratio=0.01)),
        ("0", RejectLimit(max_count=0, max_ratio=0)),
        ("100%", RejectLimit(max_count=0, max_ratio=1)),
        ("", None),
    ],
)
def test_max_rejects_is_a_count_a_share_or_both(tmp_path, text, limit):
    assert load(tmp_path, flags={"max_rejects": text}).reject_limit == limit


@pytest.mark.parametrize("text", ["ten", "-1", "101%", "1%,10", "10,1", "1.5", "%"])
def test_other_max_rejects_are_refused(tmp_path, text):
    assert problems_of(tmp_path, flags={"max_rejects": text}) == [
        f"--max-rejects: {text!r} is not legal; expected a number (10), a percentage (1%) or both (10,1%)"
    ]


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("a.csv", ("a.csv",)),
        ("a.csv, b/*.csv.gz ,", ("a.csv", "b/*.csv.gz")),
        ('["a,b.csv", "c.csv"]', ("a,b.csv", "c.csv")),
    ],
)
def test_source_is_a_list(tmp_path, text, sources):
    assert load(tmp_path, environment={"TRADE_INGEST_SOURCE": text}).source == sources


def test_source_in_toml_is_an_array(tmp_path):
    assert load(tmp_path, toml='source = ["a,b.csv", "c.csv"]\n').source == ("a,b.csv", "c.csv")


def test_all_problems_of_all_layers_are_listed_at_once(tmp_path):
    problems = problems_of(
        tmp_path,
        toml='contrct = "x"\nparallelism = 0\n',
        env_file="TRADE_INGEST_PARALELISM=3\nUNRELATED=1\n",
        environment={
            "TRADE_INGEST_ENGINE": "lokal",
            "TRADE_INGEST_TYPO": "1",
            "TRADE_INGEST_CONTRACT": "",
            "PATH": "/bin",
        },
        flags={"on_changed": "ignore"},
    )

    assert sorted(problems) == sorted(
        [
            "contrct in trade-ingest.toml: no such setting; did you mean contract?",
            "parallelism in trade-ingest.toml: 0 is too small; expected at least 1",
            "TRADE_INGEST_PARALELISM in .env: no such setting; did you mean TRADE_INGEST_PARALLELISM?",
            "TRADE_INGEST_ENGINE: 'lokal' is not legal; expected auto, local or spark; did you mean `local`?",
            "TRADE_INGEST_TYPO: no such setting",
            "TRADE_INGEST_CONTRACT: is empty; expected a value",
            "--on-changed: 'ignore' is not legal; expected replace, skip, append or fail",
        ]
    )


def test_variables_of_the_test_suite_are_no_settings(tmp_path):
    assert load(tmp_path, environment={"TRADE_INGEST_TEST_POSTGRES_VERSION": "16"}) == load(tmp_path)


def test_config_file_is_read_instead_of_the_one_in_the_folder(tmp_path):
    (tmp_path / "trade-ingest.toml").write_text("parallelism = 7\n")

    settings = load(tmp_path, toml='contract = "b"\n', config_file="other.toml")

    assert (settings.contract, settings.parallelism) == ("b", None)
    assert str(settings.origin_of("contract")) == "contract in other.toml"


def test_named_config_file_must_exist(tmp_path):
    assert problems_of(tmp_path, config_file="nope.toml") == ["nope.toml: No such file or directory"]


def test_broken_config_file_is_a_problem_with_its_line(tmp_path):
    (problem,) = problems_of(tmp_path, toml="contract = \n")

    assert problem.startswith("trade-ingest.toml: no valid TOML: ")
    assert "line 1" in problem


SECRET = "hunter2"
URL = f"postgresql://me:{SECRET}@db.example/trades"


def test_password_is_in_no_text_of_the_settings(tmp_path):
    settings = load(tmp_path, flags={"database_url": URL})

    texts = [repr(settings), str(settings), repr(settings.model_dump()), settings.model_dump_json()]
    texts.append(str(settings.shown("database_url")))
    assert not [text for text in texts if SECRET in text]
    assert settings.shown("database_url") == "postgresql://me:***@db.example/trades"
    assert resolve_database(settings) == URL


def test_password_is_in_no_problem(tmp_path):
    (problem,) = problems_of(tmp_path, flags={"database_url": f"mysql://me:{SECRET}@db/x"})

    assert problem == "--database: *** is not legal; expected a URL such as postgresql://user@host:5432/name"


@pytest.mark.parametrize(
    ("setting", "value", "option"),
    [("spark_conf", ("nonsense",), "--conf"), ("api_port", -1, "--port"), ("parallelism", 0, "--parallelism")],
)
def test_wrong_option_is_named_as_it_is_typed(tmp_path, setting, value, option):
    (problem,) = problems_of(tmp_path, flags={setting: value})

    assert problem.startswith(f"{option}: ")


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        (URL, "postgresql://me:***@db.example/trades"),
        ("postgresql://me:a:b@c@db/x", "postgresql://me:***@db/x"),
        ("postgresql://db/x?password=abc&port=1", "postgresql://db/x?password=***&port=1"),
        ("host=db password='a b' user=me", "host=db password=*** user=me"),
        ("postgresql://postgres@/trades?host=/run/pg", "postgresql://postgres@/trades?host=/run/pg"),
    ],
)
def test_masked_url_shows_all_but_the_password(url, masked):
    assert mask_url(url) == masked


def test_dollar_in_env_file_is_a_dollar(tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "x", "no")

    settings = load(tmp_path, env_file="TRADE_INGEST_DATABASE_URL='postgresql://me:p${x}@db/trades'\n")

    assert resolve_database(settings) == "postgresql://me:p${x}@db/trades"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("source", ("/in/*.csv", "s3://b/k"), ("/in/*.csv", "s3://b/k")),
        ("source", ("https://me:hunter2@h/x?day=1&token=hunter2",), ("https://***@h/x?day=1",)),
        ("api_sources", ("https://h/x?sig=hunter2",), ("https://h/x",)),
        ("after_load", "move:https://me:hunter2@h/x", "move:https://***@h/x"),
        ("after_load", "move:s3://archive/fx", "move:s3://archive/fx"),
        ("master", "sc://h:15002/;token=hunter2", "sc://h:15002/;token=***"),
        ("spark_conf", ("spark.hadoop.fs.s3a.secret.key=hunter2",), ("spark.hadoop.fs.s3a.secret.key=***",)),
        (
            "spark_conf",
            ("spark.x.Password=hunter2", "spark.authenticate=true"),
            ("spark.x.Password=***", "spark.authenticate=true"),
        ),
        (
            "spark_conf",
            ("spark.x=jdbc:postgresql://h/x?password=hunter2",),
            ("spark.x=jdbc:postgresql://h/x?password=***",),
        ),
        ("spark_conf", ("spark.x=https://me:hunter2@h:1/x",), ("spark.x=https://***@h:1/x",)),
    ],
)
def test_secrets_in_settings_are_masked_where_they_are_shown(tmp_path, name, value, shown):
    settings = load(tmp_path, flags={name: value})

    assert settings.shown(name) == shown
    assert getattr(settings, name) == value


@pytest.mark.parametrize(
    ("name", "value"), [("spark_conf", '["spark.x.secret hunter2=1"]'), ("after_load", "https://me:hunter2@h/x")]
)
def test_secrets_in_settings_are_in_no_problem(tmp_path, name, value):
    (problem,) = problems_of(tmp_path, flags={name: value})

    assert "is not legal" in problem
    assert SECRET not in problem


def test_notification_urls_are_in_no_text_of_the_settings(tmp_path):
    settings = load(tmp_path, environment={"TRADE_INGEST_NOTIFY": "slack://secret-a/b, mailto://me:secret-b@x.example"})

    texts = [repr(settings), repr(settings.model_dump()), settings.model_dump_json(), str(settings.shown("notify"))]
    assert not any("secret" in text for text in texts)
    assert settings.shown("notify") == ("slack://***", "mailto://***")
    assert [url.get_secret_value() for url in settings.notify] == [
        "slack://secret-a/b",
        "mailto://me:secret-b@x.example",
    ]


def test_env_example_documents_each_setting_and_only_those(tmp_path):
    text = (ROOT / ".env.example").read_text()
    variables = re.findall(r"^# (TRADE_INGEST_[A-Z_]+)=", text, re.MULTILINE)

    assert variables == [f"TRADE_INGEST_{name.upper()}" for name in Settings.model_fields]
    as_env_file = re.sub(r"^# (TRADE_INGEST_)", r"\1", text, flags=re.MULTILINE)
    assert all(load(tmp_path, env_file=as_env_file).origin_of(n).layer == Layer.ENV_FILE for n in Settings.model_fields)


def test_example_values_of_optional_settings_are_the_defaults_or_marked(tmp_path):
    text = (ROOT / ".env.example").read_text()
    settings = load(tmp_path, env_file=re.sub(r"^# (TRADE_INGEST_)", r"\1", text, flags=re.MULTILINE))

    for name, field in Settings.model_fields.items():
        if field.default not in (None, (), {}):
            assert getattr(settings, name) == field.default, name


@pytest.mark.parametrize("value", ["", "keep", "tag", "delete", "move:s3://archive/loaded", "move:/archive"])
def test_after_load_takes_what_can_be_done(value, tmp_path):
    assert load(tmp_path, flags={"after_load": value}).after_load == (value or "keep")


@pytest.mark.parametrize("value", ["move", "move:", "shred", "delete:/x"])
def test_after_load_refuses_what_cannot_be_done(value, tmp_path):
    with pytest.raises(ConfigurationError, match="expected keep, move:URI, tag or delete"):
        load(tmp_path, flags={"after_load": value})
