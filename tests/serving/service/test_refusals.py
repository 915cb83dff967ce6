"""A bad request gets one clear sentence of the real Bento, and no traceback."""

import json
import pickle
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from components.errors import UserError
from components.release.query import running
from tests.flows import toy
from tests.serving.service.posting import post

pytestmark = pytest.mark.slow


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
