"""What is generated from the model is committed; these fail when the two drift apart."""

import json
from pathlib import Path

import pytest
import yaml

from trade_ingest.contract.loading import builtin_names, load_contract
from trade_ingest.contract.model import Column, Contract
from trade_ingest.contract.pages import pages
from trade_ingest.contract.reference import reference_text
from trade_ingest.contract.schema import contract_schema, schema_text
from trade_ingest.contract.wording import MODELS, key_names

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
CONTRACTS = [
    *sorted((ROOT / "src/trade_ingest/contract/builtin").glob("*.yaml")),
    *sorted((DOCS / "examples/contracts").glob("*.yaml")),
]


def test_committed_schema_is_the_models():
    committed = (DOCS / "contract.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(), "run: python -m trade_ingest.contract.schema > docs/contract.schema.json"


def test_committed_reference_is_the_models():
    committed = (DOCS / "reference/contract.md").read_text(encoding="utf-8")
    assert committed == reference_text(), "run: python -m trade_ingest.contract.reference > docs/reference/contract.md"


def test_committed_pages_of_contracts_are_the_contracts():
    folder = DOCS / "reference/feeds"
    committed = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    assert committed == pages(), "run: python -m trade_ingest.contract.pages docs/reference/feeds"


@pytest.mark.parametrize("name", builtin_names())
def test_page_says_where_the_layout_is_from_and_what_to_know_of_it(name):
    about = load_contract(name).about
    text = " ".join(pages()[f"{name}.md"].split())
    assert about is not None
    for fact in (about.source, about.time_zone, about.id_scope, about.corrections):
        assert " ".join(fact.split()).replace("|", "\\|") in text


def test_schema_refuses_unknown_keys_everywhere():
    schema = contract_schema()
    objects = [schema, *(d for d in schema["$defs"].values() if d.get("type") == "object")]
    assert len(objects) == len(MODELS)
    assert all(node["additionalProperties"] is False for node in objects)


def test_schema_knows_the_keys_as_they_are_written():
    schema = contract_schema()
    assert list(schema["properties"]) == key_names(Contract)
    assert list(schema["$defs"]["Column"]["properties"]) == key_names(Column)
    assert "schema" in schema["$defs"]["Target"]["properties"]


def test_schema_takes_any_scalar_where_the_loader_takes_it_as_text():
    properties = contract_schema()["$defs"]["FileFormat"]["properties"]
    assert properties["null_tokens"]["items"] == {"type": ["string", "number", "boolean", "null"]}


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.__name__)
def test_every_key_is_described(model):
    assert [name for name, info in model.model_fields.items() if not info.description] == []


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_editors_accept_the_contracts_that_the_loader_accepts(path):
    jsonschema = pytest.importorskip("jsonschema")
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(json.loads(schema_text()))
    validator.check_schema(validator.schema)
    assert [error.message for error in validator.iter_errors(contract)] == []
    assert not validator.is_valid({**contract, "delimeter": ";"})
