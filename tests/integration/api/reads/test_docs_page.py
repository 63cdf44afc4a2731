"""The documentation in the browser: whole, and without any other host."""

import base64
import hashlib
import html
import re

from trade_ingest.api.openapi import document_of


def test_page_has_each_operation_and_each_schema(api):
    document = document_of(api.client.application)
    answer = api.ask("/docs")
    text = html.unescape(answer.text)

    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    operations = [
        (operation["operationId"], method.upper(), path, operation["summary"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    shown = re.findall(
        r'<details id="(\w+)">\n<summary><span class="method">(\w+)</span> <span class="path">(.*?)</span>'
        r' <span class="quiet">(.*?)</span></summary>',
        text,
    )
    assert sorted(shown) == sorted(operations)
    assert re.findall(r'<details id="schema-(\w+)">', text) == list(document["components"]["schemas"])


def test_page_has_parameters_bodies_and_examples(api):
    text = html.unescape(api.ask("/docs").text)
    (runs,) = re.findall(r'<details id="list_runs">.*?</details>', text, re.DOTALL)
    (start,) = re.findall(r'<details id="start_run">.*?</details>', text, re.DOTALL)

    assert "<code>min_rows_rejected</code>" in runs
    assert '"next_cursor": "…"' in runs
    assert "running | succeeded | failed | interrupted | abandoned" in runs
    assert '"on_changed": "replace"' in start
    assert '<a href="#schema-RunOrder">RunOrder</a>' in start


def test_each_link_of_the_page_leads_somewhere(api):
    text = api.ask("/docs").text
    places = set(re.findall(r'id="([^"]+)"', text))

    assert {place for place in re.findall(r'href="#([^"]+)"', text) if place not in places} == set()


def test_page_asks_no_other_host_and_runs_nothing(api):
    answer = api.ask("/docs")
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)[1]

    assert set(re.findall(r"""(?:src|href|action|url|@import)\s*[=(]\s*["']?([^"'#>)]+)""", answer.text)) == {
        "/api/v1/openapi.json"
    }
    assert "<script" not in answer.text
    assert not re.search(r'\s(style|on\w+)="', answer.text)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert answer.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_page_is_asked_for_once(api):
    etag = api.ask("/docs").headers["ETag"]

    assert api.client.get("/api/v1/docs", headers={"If-None-Match": etag}).status_code == 304
