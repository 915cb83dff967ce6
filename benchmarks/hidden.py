"""How much of the host's work on the next step the loop hides behind what a device does meanwhile.

On a CPU the step itself is the host's, so a stand-in takes the device's place: it holds neither the
interpreter nor a core, for as long as the host needs for a step and as long again. Of a GPU's own kernels
`benchmarks.gpu` says the same.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from benchmarks.engine import Engine
from components.training.run.ahead import Ahead
from components.training.step.prepare import prepare

TIMES = 2.0  # a device's step over what the host needs for one


def share(engine: Engine) -> float:
    """1 - the time that the loop waits for the coming step / the time of making one, medians of the steps."""
    steps = range(engine.plan.steps)

    def made(step: int) -> Any:
        return prepare(engine.stepper, step, engine.rows(step), engine.stepper.micro_batch_tokens)

    making = statistics.median(_seconds(made, step) for step in steps)
    ahead, waited = Ahead(made), []
    for step in steps:
        following = step + 1 if step + 1 in steps else None
        waited.append(_seconds(ahead.take, step, following))
        time.sleep(TIMES * making)
    ahead.close()
    return 1 - statistics.median(waited[1:]) / making  # the first is not made ahead


def _seconds(work: Any, *given: Any) -> float:
    start = time.perf_counter()
    work(*given)
    return time.perf_counter() - start
