"""The Terraform modules: read as HCL, formatted, and held against the providers' schemas; no provider is here to ask.

schemas.json has what the schemas say; extract_schemas.py makes it. `make check-terraform` asks Terraform itself.
"""

import functools
import json
import re
from pathlib import Path

import hcl2
import pytest

from compose_file import ROOT

MODULES = ROOT / "deploy" / "terraform"
NAMES = ["aws", "azure", "gcp"]
SCHEMAS = json.loads((Path(__file__).parent / "schemas.json").read_text())["schemas"]
VERSIONS = json.loads((Path(__file__).parent / "schemas.json").read_text())["versions"]
# What Terraform itself knows in every resource.
META = {"count", "for_each", "depends_on", "lifecycle", "provider"}
SECRET = re.compile(r"password(?!_(?:wo_)?version)|secret(?!s?_?(?:manager|id|version))|token|_key$", re.IGNORECASE)


def files_of(module):
    return sorted((MODULES / module).glob("*.tf"))


def text_of(module):
    return "".join(path.read_text() for path in files_of(module))


@functools.cache
def read(module):
    """All files of a module: its blocks by their type."""
    blocks = {}
    for path in files_of(module):
        for kind, found in hcl2.loads(path.read_text()).items():
            if not kind.startswith("__"):
                blocks.setdefault(kind, []).extend(found)
    return blocks


def bare(text):
    return text.strip('"')


def resources(module):
    """Each resource and data source: its category, kind, name and body."""
    for category in ("resource", "data"):
        for block in read(module).get(category, []):
            for kind, named in block.items():
                for name, body in named.items():
                    yield category, bare(kind), bare(name), body


def body_of(block):
    return {key: value for key, value in block.items() if not key.startswith("__")}


def problems(schema, block, where):
    """Arguments that the schema has not, required ones that are missing, values of another type."""
    block = body_of(block)
    found = [f"{where}.{name} is unknown" for name in block if name not in schema]
    found += [f"{where}.{name} is missing" for name, entry in schema.items() if entry["required"] and name not in block]
    for name, value in block.items():
        entry = schema.get(name, {})
        inner = value if isinstance(value, list) else [value]
        is_block = [isinstance(part, dict) and part.get("__is_block__", False) for part in inner]
        if "block" in entry:
            if not all(is_block):
                found.append(f"{where}.{name} is no block")
            else:
                found += [p for part in inner for p in problems(entry["block"], part, f"{where}.{name}")]
        elif any(is_block):
            found.append(f"{where}.{name} is a block")
        elif not has_type(entry.get("type", "any"), value):
            found.append(f"{where}.{name} is {value!r}, not a {entry['type']}")
    return found


def has_type(kind, value):
    if isinstance(value, str) and value.startswith("${"):  # an expression
        return True
    if kind == "string":
        return isinstance(value, str)
    if kind == "number":
        return isinstance(value, int | float)
    if kind.startswith("boolean"):
        return isinstance(value, bool)
    if kind.endswith("[]"):
        return isinstance(value, list)
    return kind != "map" or isinstance(value, dict)


@pytest.mark.parametrize("module", NAMES)
def test_resources_are_as_the_schema_of_their_provider_says(module):
    found = []
    for category, kind, name, body in resources(module):
        arguments = {key: value for key, value in body.items() if key not in META}
        found += problems(SCHEMAS[f"{category}.{kind}"]["arguments"], arguments, f"{kind}.{name}")

    assert found == []


def test_schema_check_finds_what_is_wrong():
    schema = SCHEMAS["resource.aws_s3_bucket_versioning"]["arguments"]
    block = {"bucket": 3, "verzioning": True, "versioning_configuration": [{"__is_block__": True, "status": True}]}

    assert problems(schema, block, "x") == [
        "x.verzioning is unknown",
        "x.bucket is 3, not a string",
        "x.versioning_configuration.status is True, not a string",
    ]
    assert problems(schema, {"versioning_configuration": "on"}, "x") == [
        "x.bucket is missing",
        "x.versioning_configuration is no block",
    ]


@pytest.mark.parametrize("module", NAMES)
def test_schemas_are_of_a_version_that_the_module_takes(module):
    (settings,) = read(module)["terraform"]
    ((provider, wanted),) = body_of(settings["required_providers"][0]).items()
    low, high = re.findall(r"\d+", bare(wanted["version"]))[0], re.findall(r"\d+", bare(wanted["version"]))[-1]

    assert bare(wanted["source"]) == f"hashicorp/{provider}"
    assert int(low) <= int(VERSIONS[provider].split(".")[0]) < int(high)


@pytest.mark.parametrize("module", NAMES)
def test_each_variable_is_used_described_and_typed(module):
    variables = {bare(name): body for block in read(module)["variable"] for name, body in block.items()}
    text = re.sub(r'variable "\w+" \{.*?\n\}', "", text_of(module), flags=re.DOTALL)

    assert set(re.findall(r"\bvar\.(\w+)", text)) == variables.keys()
    for name, body in variables.items():
        assert {"description", "type"} <= body.keys(), name
    for block in read(module)["output"]:
        for name, body in block.items():
            assert body.keys() >= {"description", "value"}, name


@pytest.mark.parametrize("module", NAMES)
def test_each_reference_resolves(module):
    declared = {(category, kind, name) for category, kind, name, _ in resources(module)}
    text = re.sub(r"#.*", "", text_of(module))
    pattern = r"(?<![\w.\"/])(data\.)?((?:aws|azurerm|google)_\w+)\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?"
    found = [(m[1] or "", m[2], m[3], m[4]) for m in re.finditer(pattern, text)]

    assert len(found) > 20
    for prefix, kind, name, attribute in found:
        category = "data" if prefix else "resource"
        assert (category, kind, name) in declared
        assert attribute is None or attribute in SCHEMAS[f"{category}.{kind}"]["attributes"], f"{kind}.{attribute}"


@pytest.mark.parametrize("module", NAMES)
def test_each_thing_that_is_made_is_used_or_stands_for_itself(module):
    """Data sources without use are left-overs; resources may stand for themselves."""
    text = text_of(module)
    unused = [f"{kind}.{name}" for category, kind, name, _ in resources(module) if category == "data"]

    assert [entry for entry in unused if f"data.{entry}" not in text] == []


@pytest.mark.parametrize("module", NAMES)
def test_no_secret_has_a_value(module):
    for block in read(module)["variable"]:
        for name, body in block.items():
            if SECRET.search(bare(name)):
                assert "default" not in body
                assert body["sensitive"] is True
                assert body["ephemeral"] is True  # in no plan and no state
    for _, kind, name, body in resources(module):
        # a version of a secret, or a password, would be in Terraform's state
        assert not re.search(r"secret_version|random_password|google_sql_user|key_vault_secret$", kind), (
            f"{kind}.{name}"
        )
        for key, value in body.items():
            if SECRET.search(key) and isinstance(value, str):
                assert key == "administrator_password_wo", f"{kind}.{name}.{key}"
                assert value == "${var.administrator_password}"


@pytest.mark.parametrize("module", NAMES)
def test_module_says_how_it_is_used(module):
    readme = (MODULES / module / "README.md").read_text()
    variables = {bare(name): body for block in read(module)["variable"] for name, body in block.items()}
    outputs = {bare(name) for block in read(module)["output"] for name in block}

    assert {name for name, body in variables.items() if "default" not in body} <= set(
        re.findall(r"\b(\w+) += ", readme)
    )
    assert {name for name in outputs if f"`{name}`" not in readme} == set()


def test_database_is_reached_from_within_only():
    bodies = {(kind, name): body for module in NAMES for _, kind, name, body in resources(module)}

    assert bodies["aws_db_instance", "this"]["publicly_accessible"] is False
    assert bodies["azurerm_postgresql_flexible_server", "this"]["public_network_access_enabled"] is False
    (settings,) = bodies["google_sql_database_instance", "this"]["settings"]
    (addresses,) = settings["ip_configuration"]
    assert addresses["ipv4_enabled"] is False
    assert "0.0.0.0/0" not in "".join(map(text_of, NAMES))


def test_pool_of_azure_has_a_private_way_to_all_that_a_job_uses():
    """Files are read at the account's blob endpoint, also those of abfss://; Spark fetches the program from dfs."""
    (resource,) = [body for _, kind, _, body in resources("azure") if kind.endswith("_managed_private_endpoint")]

    assert re.findall(r"part\W+(\w+)", str(resource["for_each"])) == ["postgresqlServer", "vault", "dfs", "blob"]


def test_rights_on_the_bucket_are_those_that_submitting_and_running_take():
    """What `trade-ingest submit` uploads, what the job then reads and writes, and what `--wait` reads at its end."""
    bodies = {name: body for _, kind, name, body in resources("aws") if kind == "aws_iam_policy_document"}

    def rights(name):
        return {
            (bare(action), bare(resource).partition("}")[2])
            for statement in bodies[name]["statement"]
            for action in statement["actions"]
            for resource in statement["resources"]
            if "aws_s3_bucket" in resource
        }

    assert rights("job") == {
        ("s3:GetBucketLocation", ""),
        ("s3:ListBucket", ""),
        ("s3:GetObject", "/artefacts/*"),
        ("s3:GetObject", "/deliveries/*"),
        ("s3:PutObject", "/logs/*"),
        ("s3:PutObject", "/outcomes/*"),
    }
    assert rights("submit") == {
        ("s3:ListBucket", ""),
        ("s3:GetObject", "/artefacts/*"),
        ("s3:PutObject", "/artefacts/*"),
        ("s3:GetObject", "/outcomes/*"),
    }


def test_rights_name_what_they_are_for():
    statements = [
        statement
        for _, kind, name, body in resources("aws")
        if kind == "aws_iam_policy_document" and name not in {"tls_only", "job_trust"}
        for statement in body["statement"]
    ]

    assert len(statements) == 10
    for statement in statements:
        assert not any("*" in action for action in statement["actions"])
        assert all(resource.strip('"').startswith("${aws_") for resource in statement["resources"])
    roles = re.findall(r'role(?:_definition_name)? += "([^"]+)"', text_of("gcp") + text_of("azure"))
    assert not any(re.search(r"owner|admin|roles/editor|^contributor", role, re.IGNORECASE) for role in roles)


@pytest.mark.parametrize(
    "path", [path for module in NAMES for path in files_of(module)], ids=lambda p: "/".join(p.parts[-2:])
)
def test_file_is_formatted(path):
    assert misformatted(path.read_text()) == []


def test_format_check_finds_what_is_wrong():
    good = 'resource "a" "b" {\n  x = 1\n  abc = [\n    1,\n  ]\n\n  c {\n    d = "{"\n  }\n}\n'
    assert misformatted(good) == []
    assert misformatted(good.replace("x =", "x   =")) == ["2: = is not below that of the lines beside"]
    assert misformatted(good.replace("    d", "   d")) == ["8: indented by 3, not by 4"]
    assert misformatted(good.replace("\n\n", "\n \n")) == ["6: spaces at the end"]
    assert misformatted(good + "\n") == ["11: an empty line too much"]


def misformatted(text):
    """What `terraform fmt` would change: indentation by depth, aligned equals signs, no spaces at the ends."""
    found, depth, is_heredoc = [], 0, False
    lines = text.split("\n")[:-1]
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            found.append(f"{number}: spaces at the end")
        if not line.strip() and (number == len(lines) or not lines[number].strip()):
            found.append(f"{number}: an empty line too much")
        code = re.sub(
            r'"(?:\\.|\$\{[^}]*\}|[^"\\])*"', '""', line.split(" #")[0] if not line.strip().startswith("#") else ""
        )
        closing = len(re.match(r"\s*([\]})]*)", code)[1])
        indent = len(line) - len(line.lstrip())
        if line.strip() and not is_heredoc and indent != 2 * (depth - min(closing, 1)):
            found.append(f"{number}: indented by {indent}, not by {2 * (depth - min(closing, 1))}")
        if "<<-" in code:
            is_heredoc = True
        elif is_heredoc and line.strip() == "EOT":
            is_heredoc = False
        depth += 0 if is_heredoc else (len(re.findall(r"[\[{(]", code)) > len(re.findall(r"[\]})]", code)))
        depth -= len(re.findall(r"[\]})]", code)) > len(re.findall(r"[\[{(]", code))
    return found + misaligned(lines)


def misaligned(lines):
    found, group = [], []
    for number, line in enumerate([*lines, ""], 1):
        match = re.match(r"^( *)([\w.\"]+)( +)= (.*)$", line)
        is_open = bool(match and re.search(r"[\[{(]$", match[4]))  # such a line stands for itself
        if is_open and len(match[3]) != 1:
            found.append(f"{number}: more than one space before =")
        if match and not is_open:
            group.append((number, len(match[2]), len(match[3])))
        if not match or is_open or match[4].startswith("<<-"):
            width = max((length for _, length, _ in group), default=0)
            off = [number for number, length, gap in group if length + gap != width + 1]
            found += [f"{number}: = is not below that of the lines beside" for number in off]
            group = []
    return found
