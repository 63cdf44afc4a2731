"""The whole specification against the running app: no 5xx, no answer that is not documented."""

from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from trade_ingest.api.openapi import as_text, document_of

ROOT = Path(__file__).parents[4]
EXAMPLES = 15
# the matrix of scopes has its own test; no schema says which texts are cursors
LEFT_OUT = [ignored_auth, positive_data_acceptance]
STREAM = "/api/v1/events"  # a page without the type of streams, which do not end: test_live_events.py has them


def test_committed_document_is_that_of_the_routes(api):
    committed = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")

    assert committed == as_text(document_of(api.client.application)), "make docs writes it again"


def test_no_answer_is_a_5xx_or_not_documented(api, loaded):
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", api.client.application)
    failures = {}
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in operations:
        try:
            ask_all_ways(operation)
        except BaseExceptionGroup as found:
            failures[operation.label] = "\n".join(str(error) for error in found.exceptions)
        except Exception as found:  # noqa: BLE001
            failures[operation.label] = f"{type(found).__name__}: {found}"

    assert len(operations) > 40
    assert not failures, "\n\n".join(f"{label}: {text}" for label, text in failures.items())


def ask_all_ways(operation):
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case):
        if case.path == STREAM:
            case.headers = {**(case.headers or {}), "Accept": "application/json"}
        case.call_and_validate(excluded_checks=LEFT_OUT)

    ask()
