"""What is refused before anything is uploaded, and how templates are filled."""

import json
from pathlib import Path

import pytest

from trade_ingest.errors import UsageError
from trade_ingest.submit.platforms import PLATFORMS
from trade_ingest.submit.template import fill, read_template, templates_folder


def refusal(rendered, platform, /, **changes):
    with pytest.raises(UsageError) as refused:
        rendered(platform, **changes)
    return refused.value.message


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("emr-ec2", {"parameters": {}}, "emr-ec2 needs --cluster-id"),
        ("emr-ec2", {"parameters": {"cluster": "x"}}, "emr-ec2 has no parameter cluster"),
        ("emr-ec2", {"bucket": None}, "--bucket is missing"),
        ("emr-ec2", {"bucket": "gs://jobs"}, "--bucket gs://jobs: EMR on EC2 needs s3://"),
        ("emr-ec2", {"sources": ()}, "no source is given"),
        ("emr-ec2", {"sources": ("trades/",)}, "trades/: is a path of this machine, which EMR on EC2 cannot read"),
        ("emr-ec2", {"name": "Ingest of FX"}, "'Ingest of FX' cannot be the name of a job"),
        ("emr-ec2", {"database_secret": None}, "--database-secret is missing: the job has no database"),
        ("emr-ec2", {"database_secret": "vault:x"}, "no secret store 'vault' is known; expected aws-secretsmanager,"),
        (
            "emr-ec2",
            {"arguments": ("s3://deliveries/", "--database=postgresql://me:secret@db/x")},
            "a job takes no --database: its arguments are shown by the platform",
        ),
        (
            "emr-ec2",
            {"files": {"packages": "none.tar.gz"}},
            "none.tar.gz: there is no such file",
        ),
        (
            "fabric",
            {"arguments": ("s3://deliveries/a b.csv",)},
            "'s3://deliveries/a b.csv': Fabric takes all arguments as one line, which it splits at spaces",
        ),
        (
            "kubernetes",
            {"bucket": None, "contract": "fill.yaml"},
            "fill.yaml: the job cannot read this machine's file",
        ),
    ],
)
def test_order_is_refused(rendered, name, changes, message):
    assert refusal(rendered, name, **changes).startswith(message)


def test_database_url_in_place_of_a_reference_is_not_repeated(rendered):
    message = refusal(rendered, "emr-ec2", database_secret="postgresql://me:secret@db.example/trades")

    assert message == "a secret's place is wanted, and this is none"


def test_contract_of_this_machine_takes_the_place_of_the_path(rendered, tmp_path):
    path = tmp_path / "fills.yaml"
    path.write_text("name: fill")
    arguments = ("s3://deliveries/fx/", "--contract=x.yaml", "--contract", str(path), "--parallelism", "2")

    job = rendered("synapse", arguments=arguments, contract=str(path))

    (contract,) = [found for found in job.artefacts if found.kind == "contract"]
    assert contract.uri.startswith("abfss://jobs@desk.dfs.core.windows.net/trade-ingest/artefacts/")
    assert contract.path == path
    assert job.document["args"][:5] == ["s3://deliveries/fx/", "--parallelism", "2", "--contract", contract.uri]


def test_same_content_has_the_same_address(rendered, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder, content in (("a", b"1"), ("b", b"1")):
        (tmp_path / folder / "p.tar.gz").write_bytes(content)
    first, second = (
        rendered("emr-ec2", files={"packages": str(tmp_path / folder / "p.tar.gz")}).artefacts[1].uri for folder in "ab"
    )
    (tmp_path / "b" / "p.tar.gz").write_bytes(b"2")
    third = rendered("emr-ec2", files={"packages": str(tmp_path / "b" / "p.tar.gz")}).artefacts[1].uri

    assert first == second
    assert first != third


def test_job_without_a_bucket_leaves_no_outcome(rendered):
    job = rendered("kubernetes", bucket=None, database_secret=None)

    (container,) = job.document["spec"]["template"]["spec"]["containers"]
    assert job.outcome is None
    assert container["args"][-4:] == ["--database-secret", "file:/etc/trade-ingest/database-url", "--engine", "local"]


def test_changed_template_is_used(rendered, templates, tmp_path):
    document = json.loads((templates / "synapse" / "spark_batch_job.json").read_text())
    document["conf"]["spark.app.team"] = "fx"
    (tmp_path / "own.json").write_text(json.dumps(document))

    assert rendered("synapse", template=tmp_path / "own.json").document["conf"]["spark.app.team"] == "fx"


@pytest.mark.parametrize("name", list(PLATFORMS))
def test_every_parameter_is_used(rendered, templates, name):
    """By the template, or by the client that talks to the platform."""
    platform = PLATFORMS[name]
    text = (templates / platform.template).read_text()
    clients = {"region", "project", "workspace", "pool", "workspace_id", "context", "profile", "workspace_folder"}
    unused = {found.name for found in platform.parameters if f"{found.name}}}" not in text} - clients

    assert unused == set()


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ({"a": "${x}"}, {"x": 3}, {"a": 3}),
        ({"a": "n=${x}"}, {"x": 3}, {"a": "n=3"}),
        ({"a": ["-", "${x}", "-"]}, {"x": ["p", "q"]}, {"a": ["-", "p", "q", "-"]}),
        ({"a": "${var.x}"}, {"x": ["p"]}, {"a": ["p"]}),
        ({"a": "${x}", "b": {"c": "${x}"}, "d": 1}, {"x": None}, {"d": 1}),
        ({"a": ["${x}"], "b": "s3://${x}/", "c": [], "d": None}, {"x": None}, {"c": [], "d": None}),
        ({"a": "$x {y}"}, {}, {"a": "$x {y}"}),
    ],
)
def test_template_is_filled(template, values, expected):
    assert fill(template, values) == expected


def test_template_that_asks_for_unknown_names_is_refused():
    with pytest.raises(UsageError, match="the template asks for y, z, which this platform has no values for"):
        fill({"a": "${x}", "${z}": ["${y}"]}, {"x": 1})


@pytest.mark.parametrize("content", ["[1]", "{", None])
def test_file_that_is_no_template_is_refused(tmp_path, content):
    path = tmp_path / "t.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(UsageError, match=r"t\.json: "):
        read_template(path)


def test_each_platform_has_its_template_and_a_readme():
    for platform in PLATFORMS.values():
        template = templates_folder() / platform.template
        folder = templates_folder() / Path(platform.template).parts[0]
        assert template.is_file(), platform.name
        assert f"submit {platform.name} " in (folder / "README.md").read_text()
