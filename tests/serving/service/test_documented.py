"""The real Bento's OpenAPI has every request, example, answer and refusal."""

import json
from typing import Any

import httpx
import jsonschema
import pytest

from serving.guard import LEFT
from serving.openapi import ALSO, JSON, REFUSALS
from serving.watch import STATUS
from tests.serving.service.posting import post

pytestmark = pytest.mark.slow


def test_openapi_shows_the_request_and_every_familys_answer(client: httpx.Client) -> None:
    schemas = client.get("/docs.json").json()["components"]["schemas"]
    assert {"PredictRequest", "PredictResponse", "TaggingAnswer", "ClassificationAnswer"} <= set(schemas)


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
