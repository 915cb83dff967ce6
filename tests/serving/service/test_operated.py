"""What an operator sees of the real Bento: metrics, board, alerts, records, health."""

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from components.monitoring.traffic import store
from flows.deploying.files import TEMPLATES
from tests.flows import toy
from tests.serving.service.posting import post

pytestmark = pytest.mark.slow


def test_every_metric_and_label_of_the_board_and_of_the_alerts_is_one_of_the_services(
    client: httpx.Client,
) -> None:
    post(client, {"texts": ["hello"]})
    families = text_string_to_metric_families(client.get("/metrics").text)
    known = {sample.name: set(sample.labels) for family in families for sample in family.samples}
    known["up"] = set()
    for expression in expressions():
        for selector in selectors(expression):
            assert selector.name in known, expression
            labels = {matcher.name for matcher in selector.matchers.matchers} - {"job", "instance"}
            assert labels <= known[selector.name], expression


def expressions() -> list[str]:
    """Of every panel and alert that `onetrunk deploy-files` writes."""
    board = json.loads((TEMPLATES / "grafana/boards/service.json").read_text())
    alerts = yaml.safe_load(
        (TEMPLATES / "prometheus/alerts.yml").read_text().replace("@{name}", "tiny").replace("@{wait}", "2.5")
    )
    found = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    found = [one.replace("$__rate_interval", "1m") for one in found]
    return found + [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """What it reads of Prometheus."""
    found: list[promql_parser.VectorSelector] = []

    def visit(one: promql_parser.Expr) -> None:
        if isinstance(one, promql_parser.VectorSelector):
            found.append(one)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def test_bentomls_names_of_metrics_are_all_there(client: httpx.Client) -> None:
    post(client, {"texts": ["hello"]})
    text = client.get("/metrics").text
    for name in (
        "request_total",
        "request_duration_seconds_bucket",
        "request_in_progress",
        "last_request_timestamp_seconds",
    ):
        assert f"bentoml_service_{name}{{" in text


def test_it_records_while_it_serves(client: httpx.Client, scratch: Path) -> None:
    text = "ada and bob were in rome " * 7
    post(client, {"texts": [text], "tasks": ["sentiment"]}).raise_for_status()

    def recorded() -> list[int]:
        today = store.read(scratch / "traffic", datetime.now(UTC).date(), 10_000)
        return [count for count in today["characters"].to_pylist() if count == len(text)]

    assert toy.wait_for(recorded, 60) == [len(text)]


def test_metrics_are_by_task_and_an_unknown_path_is_no_label_of_them(client: httpx.Client) -> None:
    post(client, {"texts": ["hello"]})
    post(client, {"texts": []})
    lost = client.get("/nowhere")
    assert (lost.status_code, list(lost.json())) == (404, ["error"])
    text = client.get("/metrics").text
    for line in ('onetrunk_answers_total{task="ner"}', 'onetrunk_refused_total{reason="wrong"}'):
        assert line in text
    assert 'bentoml_service_request_total{endpoint="/predict"' in text
    assert "nowhere" not in text


def test_it_is_alive_and_ready(client: httpx.Client) -> None:
    assert [client.get(path).status_code for path in ("/livez", "/readyz", "/healthz")] == [200] * 3
    release = client.get("/metadata").json()["version"]
    assert client.get("/readyz").json() == {"ready": True, "workers": 1, "releases": {release: 1}}
