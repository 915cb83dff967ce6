"""The real Bento, served by BentoML in its own processes and asked over HTTP, answers."""

from pathlib import Path

import bentoml
import httpx
import pytest

from components.errors import UserError
from components.monitoring.feedback.records import Feedback
from components.monitoring.feedback.store import Store
from components.release.query import ask_one
from tests.pages.reading import loaded
from tests.serving.service.posting import post

pytestmark = pytest.mark.slow


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


def test_bentomls_own_client_can_ask(client: httpx.Client) -> None:
    with bentoml.SyncHTTPClient(str(client.base_url)) as bento_client:
        assert set(bento_client.predict(texts=["hello"], tasks=["ner"])["answers"][0]) == {"ner"}


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


def test_a_stream_ends_with_what_predict_answers_and_is_of_one_text(client: httpx.Client) -> None:
    body = {"texts": ["Ada was in Rome"], "tasks": ["sentiment", "ner"]}
    found = client.post("/stream", json=body)
    assert found.headers["x-accel-buffering"] == "no"
    assert found.content.splitlines()[-1] == post(client, body).content
    refused = client.post("/stream", json={"texts": ["a", "b"]})
    assert (refused.status_code, refused.json()) == (400, {"error": "texts: found 2 texts, expected one"})
    assert 'endpoint="/stream"' in client.get("/metrics").text


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
