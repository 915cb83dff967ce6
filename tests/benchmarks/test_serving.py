"""The callers of the benchmark against a toy server, and its lines."""

from __future__ import annotations

import asyncio
import math
import os
from itertools import repeat
from typing import Any

import numpy as np
import pytest
from starlette.responses import JSONResponse

from benchmarks.clients import LOST, Caller, Heard, closed, opened
from benchmarks.serving import CHOSEN, LINES, Bench, _goals, _mixed
from tests.serving.loopback import Known, served

BODIES = {"texts": ["a"]}


def answering(status: int, pause: float) -> Any:
    """An app that answers every request so, after a while."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(pause)
        await JSONResponse({"answers": []}, status_code=status)(scope, receive, send)

    return app


@pytest.mark.slow
def test_callers_in_a_closed_loop_wait_for_their_answers_and_those_in_an_open_one_come_anyhow() -> None:
    async def scenario() -> tuple[Heard, Heard]:
        async with served(answering(200, 0.05)) as port:
            one = await closed([Caller(port, ["/predict"])], repeat(BODIES), 0.5)
            many = await opened(port, repeat(BODIES), 200, 0.5)
            return one, many

    one, many = asyncio.run(scenario())
    assert 5 <= len(one.answers) <= 11
    assert 50 < len(many.answers) < 150
    assert one.at(0.5) >= 0.05
    assert {status for status, _ in [*one.answers, *many.answers]} == {200}


def test_a_refusal_keeps_its_status_and_a_broken_connection_is_lost() -> None:
    async def scenario() -> tuple[int, int]:
        async with served(answering(503, 0.0)) as port:
            refused = (await Caller(port, ["/predict"]).ask(BODIES))[0]
        return refused, (await Caller(port, ["/predict"]).ask(BODIES))[0]

    assert asyncio.run(scenario()) == (503, LOST)


@pytest.mark.parametrize("noticed", [True, False])
@pytest.mark.slow
def test_a_connection_that_the_server_has_closed_since_its_last_answer_is_no_loss(noticed: bool) -> None:
    """Whether the caller's loop has been told of its end or is about to be."""

    async def scenario() -> int:
        async with served(answering(200, 0.0), http=Known) as port:
            caller = Caller(port, ["/predict"])
            await caller.ask(BODIES)
            Known.made[-1].timeout_keep_alive_handler()
            await asyncio.sleep(0.02 if noticed else 0)  # its socket is closed in the loop's next turn
            return (await caller.ask(BODIES))[0]

    assert asyncio.run(scenario()) == 200


@pytest.mark.parametrize(("status", "is_number"), [(200, True), (503, False)])
def test_the_memory_of_a_service_is_a_number_where_it_has_answered_every_request(
    status: int, is_number: bool
) -> None:
    bench = Bench.__new__(Bench)  # without its servers
    bench.texts, bench.tasks = ["a", "b"], ["t"]

    async def scenario() -> float:
        async with served(answering(status, 0.0)) as port:
            return await asyncio.to_thread(bench._resident, os.getpid(), port, 20)

    assert math.isnan(asyncio.run(scenario())) != is_number


@pytest.mark.parametrize(
    ("value", "reached"), [(1.0, {"one client", "lone", "steady", "large", "file", "in time", "memory"})]
)
def test_every_line_has_its_goal(value: float, reached: set[str]) -> None:
    once = dict.fromkeys(("in time", "lost", "memory"), value)
    rounds = [dict.fromkeys(LINES.keys() - once.keys(), value)] * 3
    goals = dict(zip(LINES, _goals(rounds, once), strict=True))
    assert {key for key, goal in goals.items() if goal.reached} == reached


def test_a_bundle_without_a_runtime_has_no_line_of_one() -> None:
    once = dict.fromkeys(("in time", "lost", "memory"), 1.0)
    one = {**dict.fromkeys(LINES.keys() - once.keys(), 1.0), **dict.fromkeys(CHOSEN, math.nan)}
    assert len(_goals([one], once)) == len(LINES) - len(CHOSEN)


def test_who_gets_through_few_texts_is_asked_texts_of_the_same_lengths() -> None:
    draws = np.random.default_rng(0).lognormal(3.3, 0.9, 500).astype(int) + 1
    texts = ["a" * length for length in sorted(draws)]
    mixed = _mixed(texts)
    assert sorted(mixed) == sorted(texts)
    for asked in (60, 130, 460):
        assert sum(map(len, mixed[:asked])) / asked == pytest.approx(draws.mean(), rel=0.06)
