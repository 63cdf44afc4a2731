import pytest

from trade_ingest.api.allowed import check_sources, default_prefixes, offered_contract
from trade_ingest.errors import SourceNotAllowedError, UnknownContractError, UsageError
from trade_ingest.settings import Settings


@pytest.mark.parametrize(
    "source",
    [
        "s3://desk/fx",
        "s3://desk/fx/a.csv",
        "s3://desk/fx/2024/*.csv",
        "s3a://desk/fx/a.csv",
        "gs://other/a.csv",
        "https://vendor.example/fx/a.csv",
    ],
)
def test_what_is_within_a_prefix_is_allowed(source):
    check_sources([source], ["s3://desk/fx/", "gs://other", "https://vendor.example/fx"])


@pytest.mark.parametrize(
    "source",
    [
        "s3://desk/fx2/a.csv",
        "s3://desk/f*/a.csv",
        "s3://desk/",
        "s3://desk2/fx/a.csv",
        "gs://desk/fx/a.csv",
        "https://vendor.example.evil/fx/a.csv",
        "http://vendor.example/fx/a.csv",
        "fx/a.csv",
        "*",
        "{a,b}",
    ],
)
def test_what_is_outside_is_refused(source):
    with pytest.raises(SourceNotAllowedError):
        check_sources([source], ["s3://desk/fx", "https://vendor.example/fx"])


def test_paths_are_compared_where_they_lead(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    (tmp_path / "alias").symlink_to(inside)

    for source in ("a.csv", "**/*.csv", "sub/a.csv"):
        check_sources([f"{inside}/{source}", f"{tmp_path}/alias/{source}"], [str(inside)])
    wrong = ("in/link/a.csv", "in/../out/a.csv", "in*/a.csv", "in/*/../../out/a.csv", "in/sub/../a.csv", "inside/a.csv")
    for source in wrong:
        with pytest.raises(SourceNotAllowedError):
            check_sources([f"{tmp_path}/{source}"], [str(inside)])


@pytest.mark.parametrize(
    "source",
    [
        "file:///{in}/*/%2e%2e/%2e%2e/out/a.csv",
        "file:///{in}/*/%2E%2E/%2e%2E/out/*.csv",
        "file:///{in}/%2a/../../out/a.csv",
        "file:///{in}/%252e%252e/out/a.csv",
        "file:///{in}/%2e%2e/out/a.csv",
        "{in}/{date:../out/%Y}.csv",
        "{in}/{date:%Y/.}./out/a.csv",
        "{in}/{date:%Y}/../../out/a.csv",
        "{in}/link.zip!/*.csv",
        "{in}/x.zip!/link/a.csv",
        "s3://desk/fx/%2e%2e/a.csv",
        "https://vendor.example/fx/%2e%2e/a.csv",
        "https://vendor.example/fx/%252e%252e%252fa.csv",
        "https://vendor.example/fx/..%2fa.csv",
        "https://vendor.example/fx/x%2Fa.csv",
    ],
)
def test_way_up_is_refused_however_it_is_written(tmp_path, source):
    inside, outside = tmp_path / "in", tmp_path / "out"
    outside.mkdir()
    (inside / "x.zip!").mkdir(parents=True)
    (outside / "a.zip").touch()
    (inside / "link.zip").symlink_to(outside / "a.zip")
    (inside / "x.zip!" / "link").symlink_to(outside)
    written = source.replace("file:///{in}", f"file://{inside}").replace("{in}", str(inside))

    with pytest.raises(SourceNotAllowedError):
        check_sources([written], [str(inside), "s3://desk/fx", "https://vendor.example/fx"])


def test_dots_that_lead_nowhere_and_escaped_characters_are_allowed(tmp_path):
    names = ("a..b.csv", "...", "..a/b..", "{date:%Y.%m..%d}.csv", "x.zip!/a..csv")

    check_sources([f"{tmp_path}/{name}" for name in names], [str(tmp_path)])
    check_sources(
        [f"file://{tmp_path}/a%20b/%2a.csv", "https://h.example/fx/a%20b.csv"], [str(tmp_path), "https://h.example/fx"]
    )


@pytest.mark.parametrize(
    "source", ["file:///data/a%00.csv", "https://h.example/a.csv?sig=abc", "s3://user:pw@desk/fx", "/data/a\0.csv"]
)
def test_source_with_a_secret_is_refused_without_showing_it(source):
    with pytest.raises(UsageError, match="has a secret in it") as caught:
        check_sources([source], ["/", "https://h.example/fx", "s3://desk"])

    assert "abc" not in str(caught.value)
    assert "pw" not in str(caught.value)


def test_default_is_what_is_configured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert default_prefixes(Settings()) == (str(tmp_path),)
    assert default_prefixes(Settings(source=("data/*.csv", "s3://desk/fx"))) == ("data", "s3://desk/fx")
    assert default_prefixes(Settings(source=("data",), api_sources=("/srv",))) == ("/srv",)


def test_only_offered_contracts_are_read(tmp_path):
    secret = tmp_path / "secret.yaml"
    secret.write_text("password: x\n")

    assert offered_contract(None, Settings()).name == "trade_event"
    assert offered_contract("kraken_trades", Settings()).name == "kraken_trades"
    with pytest.raises(UnknownContractError) as caught:
        offered_contract(str(secret), Settings())
    assert "password" not in f"{caught.value}{caught.value.hint}"
