"""The real Bento, served by BentoML in its own processes and asked over HTTP."""

import json
import pickle
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bentoml
import httpx
import jsonschema
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from components.errors import UserError
from components.monitoring.feedback.records import Feedback
from components.monitoring.feedback.store import Store
from components.monitoring.traffic import store
from components.release.query import ask_one, running
from flows.deploying.files import TEMPLATES
from serving.guard import LEFT
from serving.openapi import ALSO, JSON, REFUSALS
from serving.watch import STATUS
from tests.flows import toy
from tests.pages.reading import loaded

pytestmark = pytest.mark.slow


def post(client: httpx.Client, body: object, content_type: str = "application/json") -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/predict", content=content, headers={"content-type": content_type})


def test_one_request_answers_all_tasks_of_its_texts(client: httpx.Client) -> None:
    pair = {"text": "a b", "text_pair": "c d"}
    response = post(client, {"texts": ["Angela Merkel was in Munich.", pair]})
    assert response.status_code == 200
    single, double = response.json()["answers"]
    assert set(single) == {"sentiment", "ner"}
    assert set(double) == {"similarity"}
    assert sum(single["sentiment"]["probabilities"].values()) == pytest.approx(1)


def test_a_request_asks_for_the_best_alone(client: httpx.Client) -> None:
    answer = post(client, {"texts": ["hello"], "tasks": ["sentiment"], "top": 1}).json()["answers"][0]
    assert list(answer["sentiment"]["probabilities"]) == [answer["sentiment"]["label"]]
    refused = post(client, {"texts": ["hello"], "top": 0})
    assert refused.status_code == 400
    assert refused.json() == {"error": "top: found a number, expected a whole number from 1 to 100"}


def test_tasks_lists_what_metadata_leads_back_from(client: httpx.Client, bento: Path) -> None:
    listed, metadata = client.get("/tasks").json(), client.get("/metadata").json()
    version = post(client, {"texts": ["a"]}).json()["version"]
    assert version == listed["version"] == metadata["version"]
    assert listed["tasks"]["ner"]["labels"] == ["LOC", "PER"]
    assert listed["tasks"]["ner"]["metrics"]["entity_f1"]["interval"] == [0.8, 0.95]
    assert metadata["verdict"] == "PROMOTE"
    assert set(metadata["data"]["sentiment"]) == {"train", "validation", "test"}


def test_the_page_needs_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert loaded(page.text) == []
    icon = client.get("/favicon.ico")  # a browser that shows JSON asks for it
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")


def test_a_text_that_is_json_is_a_text(client: httpx.Client) -> None:
    for text in ("[1]", "{}", "null", '"a"'):
        assert post(client, {"texts": [{"text": text}]}).status_code == 200


def test_openapi_shows_the_request_and_every_familys_answer(client: httpx.Client) -> None:
    schemas = client.get("/docs.json").json()["components"]["schemas"]
    assert {"PredictRequest", "PredictResponse", "TaggingAnswer", "ClassificationAnswer"} <= set(schemas)


def test_bentomls_own_client_can_ask(client: httpx.Client) -> None:
    with bentoml.SyncHTTPClient(str(client.base_url)) as bento_client:
        assert set(bento_client.predict(texts=["hello"], tasks=["ner"])["answers"][0]) == {"ner"}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "the body is not JSON: EOF while parsing an object at line 1 column 1"),
        (b"[" * 40_000, "the body is not JSON: recursion limit exceeded at line 1 column 202"),
        (b'{"texts": ["\\ud800"]}', "the body is not JSON: unexpected end of hex escape at line 1 column 19"),
        (b'{"texts": ["\xff"]}', "the body is not JSON: invalid unicode code point at line 1 column 13"),
        ([], 'the body is a list, expected an object such as {"texts": ["..."]}'),
        ({}, "texts: missing"),
        ({"texts": "a"}, "texts: found a string, expected a list"),
        ({"texts": None}, "texts: found null, expected a list"),
        (
            {"texts": ["a", 3]},
            "texts[1]: found a number, expected a string or an object with a task's inputs",
        ),
        ({"texts": [{"text": True}]}, "texts[0].text: found a boolean, expected a string"),
        (
            {"texts": ["a"], "task": []},
            "task: unknown key (did you mean 'tasks'?); expected some of texts, tasks, top",
        ),
        ({"texts": ["a"], "tasks": "ner"}, "tasks: found a string, expected a list"),
        ({"texts": []}, "texts: found 0 texts, expected 1 to 8"),
    ],
)
def test_a_bad_request_gets_one_clear_sentence(client: httpx.Client, body: object, sentence: str) -> None:
    response = post(client, body)
    assert response.status_code == 400
    assert response.json() == {"error": sentence}


def test_an_unknown_key_of_a_text_names_its_neighbour_and_what_families_read(client: httpx.Client) -> None:
    error = post(client, {"texts": [{"txt": "a"}]}).json()["error"]
    assert error.startswith("texts[0].txt: unknown key (did you mean 'text'?); expected some of ")
    assert {"text", "text_pair", "turns"} <= set(error.rpartition("some of ")[2].split(", "))


def test_a_pickle_is_refused_unread(client: httpx.Client) -> None:
    response = post(client, pickle.dumps({"texts": ["a"]}), "application/vnd.bentoml+pickle")
    assert response.status_code == 415
    assert response.json()["error"].endswith("expected application/json")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""]
)
def test_a_form_is_refused(client: httpx.Client, content_type: str) -> None:
    assert post(client, b"texts=http://localhost", content_type).status_code == 415


def test_a_body_that_declares_itself_too_large_is_refused(client: httpx.Client) -> None:
    response = post(client, {"texts": ["a" * 60_000]})
    assert response.status_code == 413
    assert response.json()["error"].startswith("the body is larger than 50000 bytes")


def test_a_body_that_grows_too_large_is_refused(client: httpx.Client) -> None:
    chunks: Iterator[bytes] = (b"x" * 10_000 for _ in range(1000))  # 10 MB, no length declared
    try:
        response = client.post("/predict", content=chunks, headers={"content-type": "application/json"})
    except httpx.TransportError:
        pass  # the server may close the connection before the client listens
    else:
        assert response.status_code == 413
    assert post(client, {"texts": ["still there"]}).status_code == 200


def test_the_query_takes_an_answer_of_its_familys_schema(client: httpx.Client) -> None:
    answer = ask_one(str(client.base_url), "sentiment", {"text": "good"}, "classification")
    assert set(answer) == {"label", "probability", "probabilities"}
    assert all(value == round(value, 6) for value in answer["probabilities"].values())


@pytest.mark.parametrize(
    ("name", "family", "complaint"),
    [
        (
            "nr",
            "tagging",
            r"example of task 'nr' with 400 .*did you mean 'ner'.*expected 200 and the fields entities",
        ),
        (
            "sentiment",
            "tagging",
            r"example of task 'sentiment' with 200 .*expected 200 and the fields entities",
        ),
    ],
)
def test_the_query_says_what_is_wrong_with_an_answer(
    client: httpx.Client, name, family, complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        ask_one(str(client.base_url), name, {"text": "good"}, family)


def test_no_request_so_far_left_a_traceback_in_the_log(client: httpx.Client, scratch: Path) -> None:
    post(client, {"texts": []})
    log = next(scratch.glob("onetrunk-serve-*/log")).read_text()
    assert "/predict" in log
    assert "Traceback" not in log


def test_a_truncated_model_stops_the_start_with_one_sentence(bento: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(bento, tmp_path / "bento"))
    weights = damaged / "src/bundle/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with (
        pytest.raises(
            UserError, match=r"model\.safetensors: \d+ bytes, expected \d+; truncated\?"
        ) as refused,
        running(damaged),
    ):
        pass
    assert "Traceback" not in str(refused.value)


def test_an_answer_has_a_why(client: httpx.Client) -> None:
    body = {"texts": ["Ada was in Rome"], "tasks": ["sentiment", "ner"]}
    found = client.post("/explain", json=body)
    assert found.status_code == 200
    assert list(found.json()["explanations"]) == ["sentiment"]
    why = found.json()["explanations"]["sentiment"]
    assert [word["text"] for word in why["words"]] == ["Ada", "was", "in", "Rome"]
    answer = post(client, body).json()["answers"][0]["sentiment"]
    assert why["support"] == pytest.approx(answer["probability"])
    refused = client.post("/explain", json={"texts": ["a", "b"]})
    assert refused.json() == {
        "error": "texts: found 2 texts, expected 1: one question is explained at a time"
    }


def test_the_example_that_openapi_gives_is_answered_by_every_task(client: httpx.Client) -> None:
    example = client.get("/docs.json").json()["components"]["schemas"]["PredictRequest"]["example"]
    response = post(client, example)
    assert response.status_code == 200
    answered = {task for answers in response.json()["answers"] for task in answers}
    assert answered == set(client.get("/tasks").json()["tasks"])


@pytest.mark.parametrize("path", ["/predict", "/explain", "/stream"])
def test_openapi_has_an_example_of_every_task_which_is_answered_as_it_says(
    client: httpx.Client, path: str
) -> None:
    document = client.get("/docs.json").json()
    asked = document["paths"][path]["post"]
    body = asked["requestBody"]["content"]["application/json"]
    tasks = set(client.get("/tasks").json()["tasks"])
    assert set(body["examples"]) == (tasks - {"ner"} if path == "/explain" else tasks)
    for example in body["examples"].values():
        assert fault(document, body["schema"], example["value"]) is None
        response = client.post(path, json=example["value"])
        assert response.status_code == 200
        ((kind, answer),) = asked["responses"]["200"]["content"].items()
        assert response.headers["content-type"].split(";")[0] == kind
        for line in [response.text] if kind == JSON else response.text.splitlines():
            assert fault(document, answer["schema"], json.loads(line)) is None
    for wrong in ({"texts": [3]}, {"texts": ["a"], "task": "ner"}, {"texts": ["a"], "top": 0}):
        refused = client.post(path, json=wrong)
        schema = asked["responses"][str(refused.status_code)]["content"]["application/json"]["schema"]
        assert fault(document, schema, refused.json()) is None
        assert fault(document, body["schema"], wrong) is not None


def test_a_stream_ends_with_what_predict_answers_and_is_of_one_text(client: httpx.Client) -> None:
    body = {"texts": ["Ada was in Rome"], "tasks": ["sentiment", "ner"]}
    found = client.post("/stream", json=body)
    assert found.headers["x-accel-buffering"] == "no"
    assert found.content.splitlines()[-1] == post(client, body).content
    refused = client.post("/stream", json={"texts": ["a", "b"]})
    assert (refused.status_code, refused.json()) == (400, {"error": "texts: found 2 texts, expected one"})
    assert 'endpoint="/stream"' in client.get("/metrics").text


@pytest.mark.parametrize("path", ["/tasks", "/metadata"])
def test_the_pages_are_as_openapi_says(client: httpx.Client, path: str) -> None:
    document = client.get("/docs.json").json()
    (answer,) = document["paths"][path]["get"]["responses"]["200"]["content"].values()
    said = client.get(path).json()
    assert fault(document, answer["schema"], said) is None
    assert fault(document, answer["schema"], {**said, "tasks": []}) is not None


def test_every_refusal_that_is_counted_is_one_that_openapi_names() -> None:
    assert set(STATUS) - {LEFT} <= set(REFUSALS).union(*ALSO.values())


def fault(document: dict[str, Any], schema: dict[str, Any], value: object) -> str | None:
    """Why the value is not of a schema of the document; None where it is."""
    validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    return error and error.message


def test_no_word_of_a_caller_is_in_the_log_whose_lines_are_json(client: httpx.Client, scratch: Path) -> None:
    word = "zebrafish"
    texts = {"texts": [word]}
    for body in (texts, {"texts": [{"text": word, word: 1}]}, {**texts, word: 1}, {**texts, "tasks": [word]}):
        post(client, body)
    post(client, f'{{"texts": ["{word}'.encode())
    post(client, texts, word)
    client.post("/explain", json=texts)
    client.get(f"/{word}?text={word}", headers={"X-Request-ID": f"{word}!", word: word})
    file = next(scratch.glob("onetrunk-serve-*/log"))

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in file.read_text().splitlines() if line.startswith("{")]

    def last() -> list[tuple[str, int]]:
        return [(line["path"], line["status"]) for line in lines()[-2:]]

    toy.wait_for(lambda: last() == [("/explain", 200), ("other", 404)], 60)  # a line follows its answer
    log = file.read_text()
    assert word not in log
    others = [line for line in log.splitlines() if not line.startswith("{")]
    assert not [line for line in others if "POST /" in line or "GET /" in line]  # nobody else logs requests
    assert datetime.fromisoformat(lines()[-1]["time"]).tzinfo is UTC


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


def test_it_takes_the_right_answer_to_what_it_said(client: httpx.Client, scratch: Path) -> None:
    said = post(client, {"texts": ["ada was in rome"], "tasks": ["sentiment"]})
    right = {
        "id": said.headers["x-request-id"], "task": "sentiment", "input": "ada was in rome",
        "answer": {"label": "negative"},
    }  # fmt: skip
    sent = [client.post("/feedback", json={"feedback": [right]}) for _ in range(2)]
    assert [(one.status_code, one.json()) for one in sent] == [
        (200, {"kept": 1, "known": 0, "notes": {}}), (200, {"kept": 0, "known": 1, "notes": {}})
    ]  # fmt: skip
    kept = [one for _, one in Store(scratch / "feedback", 1).all_waiting() if isinstance(one, Feedback)]
    assert [one.request for one in kept] == [said.headers["x-request-id"]]
    wrong = client.post("/feedback", json={"feedback": [{**right, "task": "sentimant"}]})
    assert wrong.status_code == 400
    assert "unknown task" in wrong.json()["error"]
    assert client.get("/feedback").status_code == 405
    api = client.get("/docs.json").json()
    example = api["components"]["schemas"]["FeedbackRequest"]["example"]
    assert client.post("/feedback", json=example).status_code == 200
    assert {"200", "404", "507"} <= set(api["paths"]["/feedback"]["post"]["responses"])


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
