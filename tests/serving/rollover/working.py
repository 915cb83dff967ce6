"""What the tests of a worker that follows a plan ask of it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import REGISTRY

from components.rollout.records import PLAN, Plan, Target, Trial, WorkerReport
from serving import rollover

TEXT = "Angela Merkel was in Munich."


def told(worker: rollover.Rollover, target: Target, trial: Trial | None = None) -> WorkerReport:
    """What the worker says when the plan is this one."""
    Plan(champion=target, trial=trial).write(worker.folder / PLAN)
    worker.look()
    return WorkerReport.read(worker.folder / f"worker-{os.getpid()}.json")


def ask(worker: rollover.Rollover, times: int = 1, **given: Any) -> list[tuple[str, dict[str, Any]]]:
    """Which release answered, and what, of requests side by side."""

    async def all_of_them() -> list[tuple[str, dict[str, Any]]]:
        asked = [worker.releases.answer([TEXT], given.get("names"), None) for _ in range(times)]
        found = await asyncio.gather(*asked)
        await given.get("then", nothing)()
        return [
            (by.name, {task: one.model_dump() for task, one in answers[0].items()}) for by, answers in found
        ]

    return asyncio.run(asyncio.wait_for(all_of_them(), 60))


async def nothing() -> None:
    """Wait for nothing."""


def until(condition: Callable[[], bool]) -> Callable[[], Awaitable[None]]:
    async def waiting() -> None:
        while not condition():
            await asyncio.sleep(0.01)

    return waiting


def sampled(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def canary(target: Target, **changes: Any) -> Trial:
    return Trial(kind="canary", target=target, began="now", share=0.5, disagreement=0.9).model_copy(
        update=changes
    )


def raises(*_: object) -> None:
    raise RuntimeError("a head is broken")


def marks(worker: rollover.Rollover) -> list[bytes]:
    return [path.read_bytes() for path in worker.folder.glob("mark-*")]


def looks(worker: rollover.Rollover, plan: Plan) -> threading.Thread:
    """It follows the plan, in a thread."""
    plan.write(worker.folder / PLAN)
    looking = threading.Thread(target=worker.look)
    looking.start()
    return looking
