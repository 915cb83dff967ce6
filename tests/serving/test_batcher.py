"""The batcher with the real, tiny model: many callers in one event loop, one model in a thread."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from components.model.runtimes import EAGER, Running
from serving.batcher import Batcher
from serving.predictor import Predictor
from serving.questions import Asked
from serving.requests import BadRequestError, BusyError, Item, LateError

pytestmark = pytest.mark.slow  # a model is made

PAIR = Item(text="one text", text_pair="another text")
TEXTS = ["short", "a rather longer text, with a few more words in it", "mid length", PAIR]


@pytest.fixture
def passes(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> list[list[Asked]]:
    """What each pass of the model has answered."""
    seen: list[list[Asked]] = []
    answer = predictor.answer

    def watched(items: list[Asked], *more: Any) -> Any:
        seen.append(list(items))
        return answer(items, *more)

    monkeypatch.setattr(predictor, "answer", watched)
    return seen


@pytest.fixture
def held(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Holds the model's passes until it is set, as a long one would."""
    free, answer = threading.Event(), predictor.answer

    def slow(items: list[Asked], *more: Any) -> Any:
        free.wait(30)
        return answer(items, *more)

    monkeypatch.setattr(predictor, "answer", slow)
    yield free
    free.set()


def run(scenario: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(scenario(), 60))


def dumped(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: answer.model_dump() for name, answer in of_text.items()} for of_text in answers]


def close(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(close, one, other))
    return one == (pytest.approx(other, rel=1e-4, abs=1e-4) if isinstance(one, float) else other)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_callers_who_come_while_the_model_works_share_the_next_pass_and_get_their_own_answers(
    predictor: Predictor, passes: list[list[Asked]], held: threading.Event
) -> None:
    held.set()
    alone = [dumped(predictor.predict([text]))[0] for text in TEXTS]
    passes.clear()
    held.clear()

    async def scenario() -> list[Any]:
        batcher = Batcher(predictor)
        first = asyncio.ensure_future(batcher.answer(["hello"]))
        await until(lambda: batcher._running > 0 and not len(batcher.waiting))
        others = [asyncio.ensure_future(batcher.answer([text])) for text in TEXTS * 3]
        await asyncio.sleep(0.05)
        held.set()
        await first
        return [dumped(await one)[0] for one in others]

    together = run(scenario)
    assert [len(one) for one in passes] == [1, 12]
    assert close(together, alone * 3)


def test_a_lone_caller_waits_for_nobody(predictor: Predictor, passes: list[list[Asked]]) -> None:
    async def scenario() -> None:
        batcher = Batcher(predictor)
        for _ in range(3):
            await batcher.answer(["hello"])

    run(scenario)
    assert [len(one) for one in passes] == [1, 1, 1]


@pytest.mark.parametrize("runtime", [EAGER, "onnx_int8"])
def test_a_pass_is_cut_by_tokens_of_which_a_faster_runtime_takes_more(
    predictor: Predictor, passes: list[list[Asked]], monkeypatch: pytest.MonkeyPatch, runtime: str
) -> None:
    monkeypatch.setattr(predictor, "running", Running(runtime, runtime))
    most = {EAGER: 512, "onnx_int8": 1024}[runtime]

    async def scenario() -> None:
        batcher = Batcher(predictor)
        await asyncio.gather(*(batcher.answer(["a " * 60] * 8) for _ in range(4)))

    run(scenario)
    assert sum(map(len, passes)) == 32
    assert most / 2 < max(sum(item.size for item in one) for one in passes) <= most


def test_who_hung_up_is_not_answered(
    predictor: Predictor, passes: list[list[Asked]], held: threading.Event
) -> None:
    async def scenario() -> None:
        batcher = Batcher(predictor)
        first = asyncio.ensure_future(batcher.answer(["hello"]))
        await until(lambda: batcher._running > 0 and not len(batcher.waiting))
        gone = [asyncio.ensure_future(batcher.answer(["left alone"] * 8)) for _ in range(12)]
        last = asyncio.ensure_future(batcher.answer(["still here"]))
        await asyncio.sleep(0.05)
        for one in gone:
            one.cancel()
        await asyncio.gather(*gone, return_exceptions=True)  # before the next pass it is known
        held.set()
        await asyncio.gather(first, last)

    run(scenario)
    assert [item.questions[0].row["text"] for one in passes for item in one] == ["hello", "still here"]


def test_who_would_wait_too_long_is_refused_at_once(predictor: Predictor, held: threading.Event) -> None:
    async def scenario() -> None:
        batcher = Batcher(predictor, most_seconds=0.5)
        asked = [asyncio.ensure_future(batcher.answer(["a " * 60] * 8)) for _ in range(40)]
        await asyncio.sleep(0.1)
        refused = [one for one in asked if one.done()]
        assert 0 < len(refused) < 40
        for one in refused:
            error = one.exception()
            assert isinstance(error, BusyError)
            assert (error.status, error.after) == (503, 1)
        held.set()
        await asyncio.wait(asked)
        assert all(one.exception() is None for one in asked if one not in refused)

    run(scenario)


def test_who_is_held_up_is_refused_when_his_answer_is_due_and_costs_no_pass(
    predictor: Predictor, passes: list[list[Asked]], held: threading.Event
) -> None:
    """Passes were to be short, and this one is not: the first caller takes that long himself, those behind him do not."""

    async def scenario() -> None:
        batcher = Batcher(predictor, most_seconds=1.5)  # who is begun within 0.15 s has waited for nobody
        first = asyncio.ensure_future(batcher.answer(["hello"]))
        await until(lambda: batcher._running > 0 and not len(batcher.waiting))
        behind = [asyncio.ensure_future(batcher.answer(["behind"])) for _ in range(3)]
        await asyncio.wait(behind, timeout=10)
        for one in behind:
            error = one.exception()
            assert isinstance(error, LateError)
            assert (str(error), error.after) == ("no answer in 2.8 s; ask again later", 2)
        assert not first.done()
        held.set()
        assert len(await first) == 1
        assert len(await batcher.answer(["then"])) == 1

    run(scenario)
    assert [item.questions[0].row["text"] for one in passes for item in one] == ["hello", "then"]


def test_one_callers_mistake_is_his_alone(predictor: Predictor) -> None:
    async def scenario() -> list[Any]:
        batcher = Batcher(predictor)
        return await asyncio.gather(
            batcher.answer(["good"]), batcher.answer([" "]), batcher.answer(["bad"]), return_exceptions=True
        )

    good, refused, bad = run(scenario)
    assert isinstance(refused, BadRequestError)
    assert len(good) == len(bad) == 1


def test_a_text_that_breaks_the_model_fails_alone(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = predictor.answer

    def broken(items: list[Asked], *more: Any) -> Any:
        if any(item.questions[0].row["text"] == "poison" for item in items):
            raise RuntimeError("poisoned")
        return answer(items, *more)

    monkeypatch.setattr(predictor, "answer", broken)

    async def scenario() -> list[Any]:
        batcher = Batcher(predictor)
        texts = ["good", "poison", "bad", "fine"]
        found = await asyncio.gather(*(batcher.answer([one]) for one in texts), return_exceptions=True)
        return [*found, await batcher.answer(["later"])]

    good, poison, bad, fine, later = run(scenario)
    assert isinstance(poison, RuntimeError)
    assert all(isinstance(one, list) for one in (good, bad, fine, later))


class Panic(BaseException):
    """As pyo3's: no `Exception`."""


def test_a_panic_of_the_model_or_the_tokenizer_is_its_callers_alone(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def panics(_: Any, *more: Any) -> Any:
        raise Panic("index out of bounds")

    async def scenario() -> None:
        batcher = Batcher(predictor)
        for whose, name in ((predictor, "answer"), (batcher.reader, "tokenise")):
            with monkeypatch.context() as broken:
                broken.setattr(whose, name, panics)
                with pytest.raises(RuntimeError, match="Panic: index out of bounds"):
                    await batcher.answer(["hello"])
        assert len(await batcher.answer(["hello"])) == 1

    run(scenario)


def test_a_pass_that_cannot_be_counted_is_answered(predictor: Predictor) -> None:
    def full(_: Any) -> None:
        raise OSError("no space left on device")

    async def scenario() -> None:
        batcher = Batcher(predictor, note=full)
        for _ in range(2):
            assert len(await batcher.answer(["hello"])) == 1

    run(scenario)


def test_nobody_waits_for_a_model_that_has_stopped(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    batcher = Batcher(predictor)
    monkeypatch.setattr(batcher, "_thread", threading.Thread())
    with pytest.raises(BusyError, match="the model has stopped"):
        run(lambda: batcher.answer(["hello"]))


def test_a_small_request_overtakes_a_large_one(predictor: Predictor) -> None:
    async def scenario() -> list[str]:
        batcher, ended = Batcher(predictor), []
        large = [asyncio.ensure_future(batcher.answer(["a " * 60] * 8)) for _ in range(8)]
        await until(lambda: batcher._running > 0)
        small = asyncio.ensure_future(batcher.answer(["hello"]))
        for name, one in [("small", small), *(("large", one) for one in large)]:
            one.add_done_callback(lambda _, name=name: ended.append(name))
        await asyncio.gather(small, *large)
        return ended

    assert run(scenario)[0] == "small"


@pytest.mark.parametrize("most", [0.001, 0.005, 0.04, 0.5, 5.0, math.inf])
def test_a_refusal_comes_so_early_that_it_is_heard_by_twice_the_longest_wait(
    predictor: Predictor, most: float
) -> None:
    in_time = Batcher(predictor, most).in_time
    assert most <= in_time <= max(most, 2 * most - 0.006)
    assert in_time == pytest.approx(1.9 * most) or most < 0.1
