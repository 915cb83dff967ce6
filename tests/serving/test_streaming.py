"""A text that is written is heard of while it is, and holds nobody up: a tiny decoder, random and slow to end."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from components import families
from components.families.generation import copy_vocabulary
from components.families.generation.decoder import DecoderHead
from serving import predictor as predicting
from serving import streaming
from serving.batcher import Batcher
from serving.bundle import Served
from serving.faults import LOG
from serving.predictor import Predictor
from serving.questions import Answers, Told
from serving.releases import Releases
from serving.requests import BadRequestError
from tests.serving import tiny

pytestmark = pytest.mark.slow  # a model is made

TEXT, LONGEST = "Ada was in Rome, and so was Bob", 64
OPTIONS = families.get("generation").options.model_validate({"max_target": LONGEST, "beams": 2}).model_dump()
SUMMARY = {
    "task": "summary",
    "family": "generation",
    "facts": {"vocabulary": copy_vocabulary.learn([TEXT, "Bob"], 256), "options": OPTIONS},
    "max_length": 48,
    "inputs": ["text"],
}


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A model that writes until it may not any more."""
    folder = tmp_path_factory.mktemp("writer") / "model"
    tiny.write_model(folder, cards={**tiny.CARDS, "summary": SUMMARY})
    found = Predictor(folder)
    decoder = found.model.heads["summary"]
    assert isinstance(decoder, DecoderHead)
    with torch.no_grad():
        decoder.bias.normal_(generator=torch.Generator().manual_seed(0))[decoder.end] = -100
    return found


@pytest.fixture
def steps(writer: Predictor, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts each step of the decoder was about; each is told."""
    seen: list[int] = []
    decoder = writer.model.heads["summary"]
    assert isinstance(decoder, DecoderHead)
    logits = decoder.logits

    def counted(tokens: torch.Tensor, *more: Any) -> Any:
        seen.append(len(tokens) // OPTIONS["beams"])
        return logits(tokens, *more)

    monkeypatch.setattr(decoder, "logits", counted)
    monkeypatch.setattr(predicting, "TOLD_SECONDS", 0.0)
    return seen


class One(Releases):
    """One release, which is not packed."""

    def __init__(self, batcher: Batcher) -> None:
        self.batcher = batcher

    async def answer(
        self, texts: Any, names: Any, top: int | None, told: Told | None = None
    ) -> tuple[Served, list[Answers]]:
        return Served(Path(), "v1.0.0"), await self.batcher.answer(texts, names, top, told)


def run(scenario: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(scenario(), 60))


def body(by: Served, answers: list[Answers]) -> bytes:
    dumped = [{task: one.model_dump() for task, one in of_text.items()} for of_text in answers]
    return json.dumps({"version": by.name, "answers": dumped}).encode()


def lines(batcher: Batcher, texts: list[Any], tasks: list[str] | None) -> AsyncIterator[bytes]:
    return streaming.lines(One(batcher), texts, tasks, None, body)


def test_a_text_grows_line_by_line_and_the_last_line_is_the_answer(
    writer: Predictor, steps: list[int]
) -> None:
    async def scenario() -> list[Any]:
        return [json.loads(line) async for line in lines(Batcher(writer), [TEXT], None)]

    *growing, last = run(scenario)
    said = [line["so_far"]["summary"]["text"] for line in growing]
    assert len(said) > LONGEST / 4
    assert len(said[0]) < len(said[len(said) // 2]) < len(said[-1])
    answers = {task: one.model_dump() for task, one in writer.predict([TEXT])[0].items()}
    assert last == {"version": "v1.0.0", "answers": [answers]}
    assert set(answers) == {"sentiment", "ner", "summary"}


def test_who_has_a_text_written_is_answered_however_long_that_takes(writer: Predictor) -> None:
    """Another request is refused when its answer is due."""

    async def scenario() -> list[Any]:
        return await Batcher(writer, most_seconds=0.001).answer([TEXT], ["summary"])

    assert run(scenario)[0].keys() == {"summary"}


def test_no_more_is_said_than_the_eye_can_read(
    writer: Predictor, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "TOLD_SECONDS", 1000.0)

    async def scenario() -> int:
        return len([line async for line in lines(Batcher(writer), [TEXT], ["summary"])])

    assert run(scenario) == 2
    assert len(steps) == LONGEST


def test_what_is_heard_changes_nothing_of_what_is_written(writer: Predictor) -> None:
    async def asked(told: Told | None) -> Any:
        return (await Batcher(writer).answer([TEXT] * 3, ["summary"], None, told))[0]["summary"]

    assert run(lambda: asked(lambda *_: None)) == run(lambda: asked(None))


def test_who_leaves_ends_the_writing_of_his_text_and_of_no_other(writer: Predictor, steps: list[int]) -> None:
    async def scenario() -> Any:
        batcher = Batcher(writer)
        leaving = lines(batcher, [TEXT], ["summary"])
        stays = asyncio.ensure_future(batcher.answer([TEXT], ["summary"]))
        await anext(leaving)
        await leaving.aclose()
        return (await stays)[0]["summary"]

    assert run(scenario) == writer.predict([TEXT], ["summary"])[0]["summary"]
    assert run(lambda: _left(writer, steps)) < LONGEST


async def _left(writer: Predictor, steps: list[int]) -> int:
    """The steps for a text whose only caller leaves after the first of them."""
    batcher = Batcher(writer)
    steps.clear()
    leaving = lines(batcher, [TEXT], ["summary"])
    await anext(leaving)
    await leaving.aclose()
    while not batcher.idle:
        await asyncio.sleep(0.005)
    return len(steps)


def test_who_asks_for_a_label_does_not_wait_until_a_text_is_written(
    writer: Predictor, steps: list[int]
) -> None:
    async def scenario() -> list[int]:
        batcher = Batcher(writer)
        writing = lines(batcher, [TEXT], ["summary"])
        await anext(writing)
        asked = []
        for _ in range(3):
            await batcher.answer([TEXT], ["sentiment"])
            asked.append(len(steps))
        assert [line async for line in writing]
        return asked

    assert max(run(scenario)) < LONGEST
    assert len(steps) == LONGEST


def test_labels_asked_for_without_end_leave_a_text_half_of_the_time(
    writer: Predictor, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[tuple[float, float]] = []  # seconds of a pass when others have their turn, and theirs so far
    let_others = Batcher._let_others

    def watched(batcher: Batcher) -> None:
        began, before = time.monotonic() - batcher._began, batcher._given
        let_others(batcher)
        if batcher._given > before:
            turns.append((began, before))

    monkeypatch.setattr(Batcher, "_let_others", watched)

    async def scenario() -> None:
        batcher = Batcher(writer)
        writing = asyncio.ensure_future(batcher.answer([TEXT], ["summary"]))
        while not writing.done():
            await batcher.answer([TEXT] * 8, ["sentiment"])

    run(scenario)
    assert len(turns) > 3
    assert all(given <= 0.5 * seconds + 0.05 for seconds, given in turns)
    assert len(steps) == LONGEST


def test_several_texts_or_none_are_refused_before_any_line(writer: Predictor) -> None:
    for texts, sentence in (([TEXT, TEXT], "found 2 texts, expected one"), ([], "found 0 texts")):
        with pytest.raises(BadRequestError, match=sentence):
            run(lambda texts=texts: anext(lines(Batcher(writer), texts, None)))


def test_what_fails_after_the_first_line_is_said_in_the_last(
    writer: Predictor, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        if len(steps) > LONGEST // 2:
            raise ZeroDivisionError(TEXT)

    monkeypatch.setattr(Batcher, "_let_others", fails)

    async def scenario() -> list[Any]:
        return [json.loads(line) async for line in lines(Batcher(writer), [TEXT], ["summary"])]

    log = io.StringIO()
    handler = logging.StreamHandler(log)
    LOG.addHandler(handler)
    try:
        found = run(scenario)
    finally:
        LOG.removeHandler(handler)
    assert "so_far" in found[0]
    assert found[-1] == {"error": "the service failed; its log says why"}
    assert "ZeroDivisionError" in log.getvalue()
    assert TEXT not in log.getvalue()
