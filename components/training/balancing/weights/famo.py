"""FAMO: all losses fall at the same rate, learned from the losses before and after a step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from components.settings.section import Steps
from components.training.balancing.adam import INITIAL, adam
from components.training.balancing.base import Fact, StepFacts, Weighting, Weights

EPSILON = 1e-8  # keeps a loss of 0 from dividing


class FAMO(Weighting):
    """Liu et al. 2023, "FAMO: fast adaptive multitask optimization", algorithm 2.

    w_i = c z_i / L_i with z = softmax(x) over the step's tasks and c such that the weights sum to 1;
    x descends the log-losses' change over the step, on the same rows. Reading those costs a forward
    pass; `every` steps spread it. Multiplying a loss by a number changes no direction.
    """

    learning_rate: Annotated[float, Field(gt=0)] = 0.025  # of the weights
    weight_decay: Annotated[float, Field(ge=0)] = 1e-3  # pulls the weights towards equal ones
    every: Steps = 1  # steps between two looks at the losses after a step
    by_this_step: ClassVar[bool] = True
    initial: ClassVar[Mapping[str, float]] = {"logit": 0.0, **INITIAL}

    def needs(self, step: int) -> frozenset[Fact]:
        return frozenset({"losses_after"}) if step % self.every == 0 else frozenset()

    def weights(self, facts: StepFacts) -> Weights:
        pull = {task: z / (facts.losses[task] + EPSILON) for task, z in self._softmax(facts).items()}
        total = sum(pull.values())
        return {task: value / total for task, value in pull.items()}

    def _softmax(self, facts: StepFacts) -> dict[str, float]:
        logits = {task: self.of(task)["logit"] for task in facts.losses}
        highest = max(logits.values())
        raised = {task: math.exp(logit - highest) for task, logit in logits.items()}
        total = sum(raised.values())
        return {task: value / total for task, value in raised.items()}

    def update(self, facts: StepFacts) -> None:
        if facts.losses_after is None:
            return
        softmax = self._softmax(facts)
        falls = {
            task: math.log(loss + EPSILON) - math.log(facts.losses_after[task] + EPSILON)
            for task, loss in facts.losses.items()
        }
        mean_fall = sum(softmax[task] * fall for task, fall in falls.items())
        for task, fall in falls.items():
            memory = self.of(task)
            slope = softmax[task] * (fall - mean_fall) + self.weight_decay * memory["logit"]
            memory["logit"] += adam(memory, slope, self.learning_rate)
            self.remember(task, memory)


METHOD = FAMO
