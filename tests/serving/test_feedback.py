"""Right answers that a service is sent: checked as training rows are, kept once, and refused in one sentence."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from components.families.base import Row
from components.monitoring.feedback.records import Feedback
from components.monitoring.feedback.store import BLOCK, FullError, Store
from components.release.records import Limits
from components.release.variables import FEEDBACK, TRAFFIC
from serving import bundle, feedback, openapi
from serving.questions import Reader
from serving.requests import BadRequestError
from tests.serving import tiny

LIMITS = Limits(max_texts=8, max_characters=100, max_body_bytes=50_000)
READER = Reader(tiny.CARDS, None, LIMITS)  # type: ignore[arg-type] # nothing becomes tokens here
GOOD = {"id": "c0ffee", "task": "sentiment", "input": "It is late.", "answer": {"label": "negative"}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FEEDBACK, json.dumps({"folder": str(tmp_path / "feedback")}))
    monkeypatch.setattr(bundle, "_served", [bundle.Served(tmp_path, "v1.2.0")])
    monkeypatch.delenv(TRAFFIC, raising=False)
    feedback.store.cache_clear()
    feedback.texts_are_recorded.cache_clear()
    return tmp_path / "feedback"


def send(*answers: Any, body: bytes | None = None) -> Row:
    """The answer to a request with these."""
    content = json.dumps({"feedback": answers}).encode() if body is None else body
    return asyncio.run(feedback.keep(feedback.parse(content).feedback, READER))


def kept(folder: Path) -> list[Feedback]:
    return [one for _, one in Store(folder, 1).all_waiting() if isinstance(one, Feedback)]


def test_a_right_answer_is_kept_with_what_was_asked_and_once(folder: Path) -> None:
    assert send(GOOD, GOOD) == {"kept": 1, "known": 1, "notes": {}}
    assert send(GOOD) == {"kept": 0, "known": 1, "notes": {}}
    (one,) = kept(folder)
    assert (one.prediction, one.inputs, one.answer) == (
        "c0ffee/0/sentiment", {"text": "It is late."}, {"label": "negative"}
    )  # fmt: skip
    assert one.release == "v1.2.0"


def test_another_answer_to_the_same_prediction_is_kept_beside_it(folder: Path) -> None:
    assert send(GOOD, {**GOOD, "answer": {"label": "neutral"}})["kept"] == 2
    assert {one.answer["label"] for one in kept(folder)} == {"negative", "neutral"}


def test_what_was_decided_on_does_not_come_back(folder: Path) -> None:
    send(GOOD)
    (one,) = kept(folder)
    Store(folder, 1).decide(one.key)
    assert send(GOOD)["known"] == 1
    assert kept(folder) == []


def test_every_kind_of_task_is_answered_as_its_rows_are(folder: Path) -> None:
    spans = [{"start": 0, "end": 3, "type": "PER"}]
    pair = {"text": "a", "text_pair": "b"}
    sent = send(
        {"id": "a", "task": "ner", "input": "Ada left", "answer": {"spans": spans}},
        {"id": "a", "item": 1, "task": "similarity", "input": pair, "answer": {"score": 3.5}},
    )
    assert sent == {"kept": 2, "known": 0, "notes": {}}


def test_a_label_that_the_release_does_not_know_is_kept_and_said(folder: Path) -> None:
    sent = send({**GOOD, "answer": {"label": "negativ"}})
    assert sent["kept"] == 1
    assert sent["notes"]["0"].startswith("label 'negativ' is not in the label set (did you mean 'negative'?)")
    assert kept(folder)[0].note == sent["notes"]["0"]


def test_where_texts_are_recorded_the_id_is_enough(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRAFFIC, json.dumps({"texts": True}))
    assert send({**GOOD, "input": None})["kept"] == 1
    assert kept(folder)[0].inputs is None


BAD: list[tuple[str, Any, str]] = [
    ("no JSON", b"{", "the body is not JSON"),
    ("a list", b"[]", "the body is a list, expected an object such as"),
    ("another key", b'{"texts": ["a"]}', "texts: unknown key"),
    ("nothing", b'{"feedback": []}', "feedback: found a list, expected a list that is not empty"),
    ("no list", b'{"feedback": 3}', "feedback: found 3, expected a list"),
    ("no object", b'{"feedback": [3]}', r"feedback\[0\]: found 3, expected an object"),
    ("a misspelt key", {**GOOD, "tasks": "x"}, r"feedback\[0\].tasks: unknown key \(did you mean 'task'\?\)"),
    ("no id", {key: GOOD[key] for key in GOOD if key != "id"}, r"feedback\[0\].id: missing"),
    ("an id that is none", {**GOOD, "id": "../../etc"}, r"found '../../etc', expected an X-Request-ID"),
    ("an item below 0", {**GOOD, "item": -1}, r"item: found -1, expected a whole number from 0 to 9999"),
    ("an item beyond any request", {**GOOD, "item": 2**70}, r"item: found \d+, expected a whole number from 0"),
    ("an id of other letters", {**GOOD, "id": "é"}, r"id: found 'é', expected an X-Request-ID"),
    ("an answer twice", b'{"feedback": [{"answer": {"label": "a", "label": "b"}, '
     + json.dumps({"id": "a", "task": "sentiment"})[1:].encode() + b"]}", "the key 'label' is there twice"),
    ("an item that is none", {**GOOD, "item": "0"}, "item: found '0', expected a whole number"),
    ("an unknown task", {**GOOD, "task": "sentimant"}, r"unknown task 'sentimant' \(did you mean 'sentiment'"),
    ("no text", {**GOOD, "input": None}, "input: missing; this service records no texts"),
    ("an empty text", {**GOOD, "input": " "}, r"feedback\[0\]: 'text' is empty"),
    ("a text too long", {**GOOD, "input": "a" * 101}, "text has 101 characters, expected at most 100"),
    ("another task's text", {**GOOD, "input": {"text": "a", "text_pair": "b"}}, "reads text, found text and"),
    ("an unknown input", {**GOOD, "input": {"txt": "a"}}, r"input.txt: unknown key \(did you mean 'text'"),
    ("a number for an input", {**GOOD, "input": 3}, "input: found 3, expected a string or an object with the"),
    ("a list for a text", {**GOOD, "input": {"text": ["a"]}}, "input.text: found a list, expected a string"),
    ("no turns", {**GOOD, "input": {"turns": 3}}, "input.turns: found 3, expected a list"),
    ("no turn", {**GOOD, "input": {"turns": [1]}}, r"turns\[0\]: found 1, expected a string or an object with role"),
    ("half a turn", {**GOOD, "input": {"turns": [{"role": "a"}]}}, r"input.turns\[0\].text: missing"),
    ("more of a turn", {**GOOD, "input": {"turns": [{"role": "a", "text": "b", "txt": 1}]}},
     r"turns\[0\].txt: unknown key \(did you mean 'text'\?\); expected some of role, text$"),
    ("two lines", {**GOOD, "a\nkey": 1}, "a key: unknown key"),
    ("an id of two lines", {**GOOD, "id": "a\nb"}, "id: found 'a b', expected an X-Request-ID"),
    ("an answer that is none", {**GOOD, "answer": "negative"}, "answer: found 'negative', expected an object"),
    ("an empty answer", {**GOOD, "answer": {}}, "answer: empty, expected some of label"),
    ("another target", {**GOOD, "answer": {"score": 1}}, "answer: unknown key 'score'; expected some of label"),
    ("an empty label", {**GOOD, "answer": {"label": ""}}, r"feedback\[0\]: 'label' is empty"),
    ("a label of parts", {**GOOD, "answer": {"label": {"a": 1}}}, r"'label' is \{'a': 1\}, expected a text"),
    ("a long answer", {**GOOD, "answer": {"label": "a" * 300}}, "answer: 313 characters, expected at most"),
    ("a number that is none", b'{"feedback": [{"id": "a", "task": "similarity", "input": {"text": "a", '
     b'"text_pair": "b"}, "answer": {"score": NaN}}]}', "a number in it is not finite"),
    ("a word for a score", {"id": "a", "task": "similarity", "input": {"text": "a", "text_pair": "b"},
                            "answer": {"score": "high"}}, "'score' is 'high', expected a number"),
    ("a span outside", {"id": "a", "task": "ner", "input": "Ada", "answer": {"spans": [[0, 9, "PER"]]}},
     "span 1 is 0 to 9, expected a span of the text's 3 characters"),
    ("spans that overlap", {"id": "a", "task": "ner", "input": "Ada B",
                            "answer": {"spans": [[0, 5, "PER"], [4, 5, "PER"]]}}, "overlap"),
    ("tags of other words", {"id": "a", "task": "ner", "input": "Ada B", "answer": {"tags": ["O"]}},
     "2 tokens but 1 tags"),
    ("half a character", b'{"feedback": [{"id": "a", "task": "sentiment", "input": "\\ud800", "answer": {}}]}',
     "the body is not JSON"),
    ("depth", b'{"feedback": [{"id": "a", "task": "sentiment", "input": "a", "answer": {"label": '
     + b"[" * 5000 + b"]" * 5000 + b"}}]}", "the body is not JSON: recursion limit"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "sentence"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_is_wrong_is_said_in_a_sentence_and_nothing_is_kept(
    sent: Any, sentence: str, folder: Path
) -> None:
    """Not even what is right in the same request."""
    with pytest.raises(BadRequestError, match=sentence) as refused:
        send(body=sent) if isinstance(sent, bytes) else send(sent)
    assert "\n" not in str(refused.value)
    assert refused.value.status == 400
    if not isinstance(sent, bytes):
        with pytest.raises(BadRequestError, match=r"feedback\[1\]"):
            send(GOOD, sent)
    assert kept(folder) == []


def test_a_service_that_was_not_told_to_keeps_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FEEDBACK)
    feedback.store.cache_clear()
    with pytest.raises(BadRequestError, match="keeps no feedback") as refused:
        send(GOOD)
    assert refused.value.status == 404


def test_a_slow_disk_keeps_nobody_waiting_but_those_who_send_feedback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = threading.Event()
    monkeypatch.setattr(Store, "add", lambda *_: disk.wait(1))

    async def scenario() -> str:
        sent = feedback.parse(json.dumps({"feedback": [GOOD]}).encode()).feedback
        asked = [asyncio.ensure_future(feedback.keep(sent, READER)) for _ in range(40)]
        await asyncio.sleep(0)
        assert not any(one.done() for one in asked)
        metrics = await asyncio.wait_for(asyncio.to_thread(lambda: "metrics"), 5)
        disk.set()
        await asyncio.gather(*asked)
        return metrics

    assert asyncio.run(scenario()) == "metrics"


def one(number: int) -> Feedback:
    answer = {"label": f"label {number}"}
    return Feedback(
        request=f"r{number}", item=0, task="t", inputs={"text": "a"}, answer=answer, release="v1",
        received="2026-11-29T04:00:00+00:00",
    )  # fmt: skip


def test_what_waits_is_bounded_over_all_workers_and_there_is_room_again_once_it_is_decided_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, 3 * BLOCK)
    for number in range(3):
        Store(tmp_path, 3 * BLOCK).add(one(number))
    with pytest.raises(FullError):
        store.add(one(3))
    assert not store.add(one(2))  # it is there
    store.decide(one(0).key)
    monkeypatch.setattr("components.monitoring.feedback.store.COUNTED_SECONDS", 0.0)
    assert store.add(one(3))


def test_a_full_place_is_a_refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FEEDBACK, json.dumps({"folder": str(tmp_path), "max_bytes": 1}))
    feedback.store.cache_clear()
    with pytest.raises(BadRequestError, match="too much feedback waits") as refused:
        send(GOOD)
    assert refused.value.status == 507


def test_feedback_that_cannot_be_written_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on a full disk."""
    (tmp_path / "file").touch()
    monkeypatch.setenv(FEEDBACK, json.dumps({"folder": str(tmp_path / "file")}))
    feedback.store.cache_clear()
    with pytest.raises(BadRequestError, match="cannot be written") as refused:
        send(GOOD)
    assert refused.value.status == 507


def test_room_is_what_files_take_and_not_what_was_sent(tmp_path: Path) -> None:
    """A list takes a line for each of its parts."""
    spans = [{"start": place, "end": place + 1, "type": "PER"} for place in range(500)]
    long = one(0).model_copy(update={"answer": {"spans": spans}})
    store = Store(tmp_path, 10**6)
    store.add(long)
    assert store.used == -(-(tmp_path / f"waiting/{long.key}.json").stat().st_size // BLOCK) * BLOCK


def test_feedback_alone_is_refused_for_want_of_room() -> None:
    assert 507 in openapi.ALSO["/feedback"]
    assert 507 not in openapi.REFUSALS


def _write(folder: Path, numbers: range) -> None:
    store = Store(folder, 10**9)
    for number in numbers:
        store.add(one(number))


@pytest.mark.slow
def test_many_writers_at_once_keep_everything_once(tmp_path: Path) -> None:
    """Threads of a worker, and workers."""
    fork = get_context("fork")
    workers = [fork.Process(target=_write, args=(tmp_path, range(60))) for _ in range(3)]
    for worker in workers:
        worker.start()
    store = Store(tmp_path, 10**9)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: store.add(one(number % 60)), range(240)))
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    found = [said for _, said in store.all_waiting()]
    assert sorted(said.answer["label"] for said in found if isinstance(said, Feedback)) == sorted(
        f"label {number}" for number in range(60)
    )
    assert len(found) == 60


def test_what_is_not_whole_yet_is_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(Path, "replace", torn)
    with pytest.raises(InterruptedError):
        Store(tmp_path, BLOCK).add(one(0))
    assert list(Store(tmp_path, BLOCK).all_waiting()) == []
    monkeypatch.undo()
    assert Store(tmp_path, BLOCK).add(one(0))  # nor is there less room


def test_a_writer_that_is_killed_leaves_whole_files(tmp_path: Path) -> None:
    writer = get_context("fork").Process(target=_write, args=(tmp_path, range(10**6)))
    writer.start()
    while len(list(tmp_path.glob("waiting/*.json"))) < 20:
        time.sleep(0.001)
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()
    found = [said for _, said in Store(tmp_path, 1).all_waiting()]
    assert len(found) >= 20
    assert all(isinstance(said, Feedback) for said in found)
    numbers = sorted(int(said.answer["label"].split()[1]) for said in found if isinstance(said, Feedback))
    assert numbers == list(range(len(numbers)))  # each that was kept before
