"""Dynamic weight average: a task whose loss falls slowly counts more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from components.settings.section import Steps
from components.training.balancing.base import StepFacts, Weighting, Weights


class DWA(Weighting):
    """Liu et al. 2019, equation 7: w_i = K softmax_i(r_i / T), r_i = L_i(t-1) / L_i(t-2).

    L_i(t) is the mean loss of a period: under a mixture an epoch is a number of steps. Periods are
    counted by the step's number, so a skipped step shifts nothing. r_i = 1 until two are known.
    """

    temperature: Annotated[float, Field(gt=0)] = 2.0  # T of the softmax: a large one is equal weights
    period: Steps = 100  # steps over which a loss is averaged
    initial: ClassVar[Mapping[str, float]] = {
        "period": -1.0,
        "steps": 0.0,
        "sum": 0.0,
        "newer": 0.0,
        "older": 0.0,
    }

    def weights(self, facts: StepFacts) -> Weights:
        logits = {task: self._rate(task, facts.step) / self.temperature for task in facts.tasks}
        highest = max(logits.values())  # a loss that was all but 0 may have risen by any factor
        raised = {task: math.exp(logit - highest) for task, logit in logits.items()}
        scale = len(raised) / sum(raised.values())
        return {task: raised[task] * scale for task in facts.losses}

    def _rate(self, task: str, step: int) -> float:
        """r_i of the last two periods that drew the task (a mean of 0 is one not known)."""
        memory = self._rolled(task, step)
        return memory["newer"] / memory["older"] if memory["newer"] and memory["older"] else 1.0

    def _rolled(self, task: str, step: int) -> dict[str, float]:
        """What is remembered, as of the period of this step."""
        memory, period = self.of(task), float(step // self.period)
        if memory["period"] == period or not memory["steps"]:
            return {**memory, "period": period}
        newer = memory["sum"] / memory["steps"]
        return {"period": period, "steps": 0.0, "sum": 0.0, "newer": newer, "older": memory["newer"]}

    def update(self, facts: StepFacts) -> None:
        for task, loss in facts.losses.items():
            memory = self._rolled(task, facts.step)
            self.remember(task, {**memory, "steps": memory["steps"] + 1, "sum": memory["sum"] + loss})


METHOD = DWA
