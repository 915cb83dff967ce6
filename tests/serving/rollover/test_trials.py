"""A candidate on trial beside the champion: shadow and canary, in one worker."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from pydantic import BaseModel

from components.rollout.evidence import Evidence
from components.rollout.records import Counts, Target
from serving import rollover, streaming, trial
from serving.requests import BadRequestError
from tests.serving.rollover.working import TEXT, ask, canary, raises, told, until

pytestmark = pytest.mark.slow  # bundles are made and loaded


def test_a_canary_answers_the_same_callers_each_time_and_is_compared(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1], key="X-User"))
    counts = worker.counts["now"]
    by: dict[str, set[str]] = {}
    for user in [f"user {number % 10}" for number in range(30)]:
        trial.SCOPE.set({"type": "http", "headers": [(b"x-user", user.encode())]})
        seen = counts.compared + 1
        name = ask(worker, then=until(lambda seen=seen: counts.compared >= min(seen, counts.answered)))[0][0]
        by.setdefault(user, set()).add(name)
    trial.SCOPE.set(None)
    assert {len(names) for names in by.values()} == {1}
    assert set.union(*by.values()) == {"v1.0.0", "v1.0.1"}
    assert counts.answered + counts.others == 30
    assert counts.compared == counts.answered
    assert counts.tests["disagreement"].sum > 0  # it is another model
    trying = worker.releases.trying
    assert isinstance(trying, trial.Trying)
    trying.evidence.failed(True, "user 1")  # and another worker of this service does not count him again
    assert not Evidence(trying.trial, Counts(), worker.folder).known["errors"].is_new("user 1")


def test_what_a_canary_fails_at_the_other_answers(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(worker, targets[0], canary(targets[1], share=0.999))

    def broken(_: object) -> None:
        raise RuntimeError("a head is broken")

    trying = worker.releases.trying
    monkeypatch.setattr(trying.candidate.batcher.predictor, "answer", broken)
    compared = until(lambda: trying._comparing is None or trying._comparing.done())
    assert {name for name, _ in ask(worker, 20, then=compared)} == {"v1.0.0"}
    assert worker.counts["now"].tests["errors"].rounds >= 15
    assert worker.counts["now"].compared == 0  # the other's answers with themselves
    with pytest.raises(BadRequestError, match="unknown task"):
        ask(worker, names=["none"])


def test_of_a_stream_that_a_canary_has_begun_and_fails_at_the_last_line_is_all_the_others(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(worker, targets[0], canary(targets[1], share=1.0))
    (_, (answers,)) = asyncio.run(worker.releases.answer([TEXT], ["sentiment"], None))
    trying = worker.releases.trying

    async def begins(texts: Any, names: Any, top: Any, hears: Any) -> None:
        hears("sentiment", answers["sentiment"])
        await asyncio.sleep(0)
        raise RuntimeError("the decoder is broken")

    async def read() -> list[bytes]:
        body = lambda by, found: f"{by.name} {len(found)}".encode()  # noqa: E731
        return [line async for line in streaming.lines(worker.releases, [TEXT], ["sentiment"], None, body)]

    monkeypatch.setattr(trying.candidate.batcher, "answer", begins)
    begun, *_, last = asyncio.run(asyncio.wait_for(read(), 60))
    assert begun.startswith(b'{"so_far":{"sentiment":')
    assert last == b"v1.0.0 1\n"
    assert worker.counts["now"].tests["errors"].rounds == 1


def test_what_a_canary_refuses_the_other_answers_and_that_is_no_failure(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1], share=0.999))
    worker.releases.trying.candidate.batcher.most_seconds = -1.0  # too much waits, whoever comes
    assert {name for name, _ in ask(worker, 10)} == {"v1.0.0"}
    assert worker.counts["now"].tests["errors"].rounds == 0


def test_a_shadow_is_compared_and_never_returned(worker: rollover.Rollover, targets: list[Target]) -> None:
    told(worker, targets[0], canary(targets[1], kind="shadow", share=1.0))
    counts = worker.counts["now"]
    answers = ask(worker, 12, then=until(lambda: counts.compared == 12))
    assert {name for name, _ in answers} == {"v1.0.0"}
    assert len({str(answer) for _, answer in answers}) == 1
    assert counts.answered == 12
    said = told(worker, targets[1])  # it has passed
    assert (said.serving, said.trying) == ("v1.0.1", None)


def test_of_a_request_one_text_is_compared_with_the_answers_to_that_text(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    same = targets[0].model_copy(update={"release": "v1.0.2"})  # the same model
    told(worker, targets[0], canary(same, kind="shadow", share=1.0))
    counts = worker.counts["now"]
    monkeypatch.setattr(trial.random, "randrange", lambda texts: texts - 1)

    async def scenario() -> None:
        await worker.releases.answer([TEXT, "No."], None, None)
        await until(lambda: counts.compared == 1)()

    asyncio.run(asyncio.wait_for(scenario(), 60))
    assert counts.tests["disagreement"].sum < 1e-3


@pytest.mark.parametrize("header", ["", "  "])
def test_callers_of_whom_a_proxy_knows_nothing_are_no_single_caller(
    header: str, worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1], key="X-User"))
    trial.SCOPE.set({"type": "http", "headers": [(b"x-user", header.encode())]})
    names = {name for name, _ in ask(worker, 40)}
    trial.SCOPE.set(None)
    assert names == {"v1.0.0", "v1.0.1"}


class Label(BaseModel):
    """Of one family."""

    label: str = "up"


class Other(BaseModel):
    """Of another, whose answers have the same fields."""

    label: str = "up"


class Score(BaseModel):
    """A number alone."""

    score: float


def test_answers_are_as_far_apart_as_those_of_the_tasks_that_both_know(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1]))
    trying = worker.releases.trying
    up, down = Label(), Label(label="down")
    assert trying._apart({"sentiment": up, "ner": up}, {"sentiment": up, "ner": down, "more": up}) == 0.5
    assert trying._apart({"sentiment": up}, {"sentiment": Other()}) == 1.0
    deviations = (trying.releases.first, 4.0), (trying.candidate, 2.0)
    for release, deviation in deviations:
        release.batcher.predictor.cards["sentiment"]["facts"]["deviation"] = deviation
    assert trying._apart({"sentiment": Score(score=1.0)}, {"sentiment": Score(score=2.0)}) == 0.5


@pytest.mark.parametrize("how", ["no numbers", "late", "raises"])
@pytest.mark.parametrize("kind", ["canary", "shadow"])
def test_what_the_release_beside_a_canary_fails_at_is_held_against_it_and_in_no_shadow(
    kind: str, how: str, worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(worker, targets[0], canary(targets[1], kind=kind, share=1e-6))
    first, errors = worker.releases.first.batcher, worker.counts["now"].tests["errors"]
    if how == "raises":
        monkeypatch.setattr(first.predictor, "answer", raises)
    if how == "late":
        monkeypatch.setattr(trial, "PATIENCE", 0.0)
    if how == "no numbers":
        monkeypatch.setattr(trial, "_are_sound", lambda _: False)
    for _ in range(3):
        with contextlib.suppress(RuntimeError):
            ask(worker, names=["sentiment"])
    assert (errors.rounds, errors.sum) == (3 if kind == "canary" else 0, 0.0)


@pytest.mark.parametrize("kind", ["canary", "shadow"])
def test_a_task_that_a_candidate_no_longer_has_is_answered_by_the_other_and_the_trial_ends(
    kind: str, worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1], kind=kind, share=0.999, disagreement=0.5))
    del worker.releases.trying.candidate.batcher.predictor.cards["sentiment"]
    counts = worker.counts["now"]
    answers = ask(worker, 20, names=["sentiment"], then=until(lambda: counts.worse() is not None))
    assert {name for name, _ in answers} == {"v1.0.0"}
    assert counts.worse() == "its answers differ too often"


def test_a_task_that_only_a_canary_has_is_no_difference(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1], share=1.0))
    del worker.releases.first.batcher.predictor.cards["sentiment"]
    trying, counts = worker.releases.trying, worker.counts["now"]
    compared = until(lambda: trying._comparing is not None and trying._comparing.done())
    answers = ask(worker, 10, names=["sentiment"], then=compared)
    assert {name for name, _ in answers} == {"v1.0.1"}
    assert (counts.answered, counts.compared) == (10, 0)
