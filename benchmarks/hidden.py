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
from collections.abc import Callable
from typing import Any

from benchmarks.engine import Engine
from components.training.run.ahead import Ahead
from components.training.run.loop import AHEAD
from components.training.step.prepare import prepare


def share(engine: Engine) -> float:
    """Of the loop's own steps."""

    def made(step: int) -> Any:
        return prepare(engine.stepper, step, engine.rows(step), engine.stepper.micro_batch_tokens)

    return of(made, engine.plan.steps)


def of(make: Callable[[int], Any], steps: int) -> float:
    """1 - the time that the loop waits for the coming step / the time of making one, medians of the steps."""
    making = [_seconds(make, step) for step in range(steps)]
    ahead, waited = Ahead(make), []
    for step in range(steps):
        following = range(step + 1, min(step + 1 + AHEAD, steps))
        waited.append(_seconds(ahead.take, step, following))
        if following:
            time.sleep(making[following[0]])
    ahead.close()
    return 1 - statistics.median(waited[1:]) / statistics.median(making)  # the first is not made ahead


def _seconds(work: Any, *given: Any) -> float:
    start = time.perf_counter()
    work(*given)
    return time.perf_counter() - start
