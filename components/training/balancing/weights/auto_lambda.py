"""Auto-lambda: the weights that lower the loss on other rows after a look-ahead step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from components.settings.section import Steps
from components.training.balancing.adam import INITIAL, adam
from components.training.balancing.base import Fact, StepFacts, Weighting, Weights


class AutoLambda(Weighting):
    """Liu et al. 2022, "Auto-lambda: disentangling dynamic task relationships".

    w descends sum_j L_j(theta') on other rows, at theta' = theta - eta sum_i w_i g_i. As w enters
    theta' linearly, the derivative is exact without second-order terms: -eta <v, g_i> with v the
    gradient of that loss at theta'. The caller gives these products as `alignments`, for which it
    needs one forward and backward pass on the other rows, and then either the per-task gradients or,
    as in the paper, two forward passes: <v, g_i> = (L_i(theta + e v) - L_i(theta - e v)) / 2e.
    `every` steps spread that cost. Adam makes eta a mere unit, so it is left out. No weight is negative.
    """

    name = "meta"
    initial_weight: Annotated[float, Field(gt=0)] = 0.1  # of every task, in the beginning
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4  # of the weights
    every: Steps = 1  # steps between two looks ahead
    initial: ClassVar[Mapping[str, float]] = {"change": 0.0, **INITIAL}

    def needs(self, step: int) -> frozenset[Fact]:
        return frozenset({"alignments"}) if step % self.every == 0 else frozenset()

    def weights(self, facts: StepFacts) -> Weights:
        return {task: max(self.initial_weight + self.of(task)["change"], 0.0) for task in facts.losses}

    def update(self, facts: StepFacts) -> None:
        if facts.alignments is None:
            return
        for task in facts.losses:
            memory = self.of(task)
            memory["change"] += adam(memory, -facts.alignments[task], self.learning_rate)
            memory["change"] = max(memory["change"], -self.initial_weight)
            self.remember(task, memory)


METHOD = AutoLambda
