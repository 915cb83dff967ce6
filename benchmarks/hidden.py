"""How much of the host's work on the next step the loop hides behind what a device does meanwhile.

On a CPU the step itself is the host's, so a stand-in takes the device's place: it holds neither the
interpreter nor a core, for exactly as long as the host needed to make the coming step by itself. So it shows
whether the work begins at once and is not slower beside the loop: what begins late, or is slower, is waited
for. It does not show how the host's work and a real step share cores, for there the step leaves them alone;
of a GPU's own kernels `benchmarks.gpu` says it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.engine import Engine
from components.training.run.ahead import Ahead
from components.training.run.loop import AHEAD
from components.training.step.prepare import prepare

ROUNDS = 20  # of all steps, which are milliseconds: another program's turn on the core is one of them


def share(engine: Engine) -> float:
    """Of the loop's own steps."""

    def made(step: int) -> Any:
        return prepare(engine.stepper, step, engine.rows(step), engine.stepper.micro_batch_tokens)

    return of(made, engine.plan.steps, ROUNDS)


def of(make: Callable[[int], Any], steps: int, rounds: int = 1) -> float:
    """1 - the time that the loop waits for the coming step / the time of making one, medians of the steps."""
    making: list[float] = []
    waited: list[float] = []
    for _ in range(rounds):
        alone = [_seconds(make, step) for step in range(steps)]
        making += alone
        waited += _waited(make, alone)
    return 1 - statistics.median(waited) / statistics.median(making)


def _waited(make: Callable[[int], Any], alone: Sequence[float]) -> list[float]:
    """Seconds that the loop waits for each step but the first, which is not made ahead, where a device works
    for as long as making the next one takes alone."""
    steps, ahead, waited = range(len(alone)), Ahead(make), []
    for step in steps:
        following = steps[step + 1 : step + 1 + AHEAD]
        waited.append(_seconds(ahead.take, step, following))
        if following:
            time.sleep(alone[following[0]])
    ahead.close()
    return waited[1:]


def _seconds(work: Any, *given: Any) -> float:
    start = time.perf_counter()
    work(*given)
    return time.perf_counter() - start
