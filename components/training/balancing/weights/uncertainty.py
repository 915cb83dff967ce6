"""Uncertainty weighting: each task's noise is learned, and noisy tasks count less."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from components.training.balancing.adam import INITIAL, adam
from components.training.balancing.base import StepFacts, Weighting, Weights


class Uncertainty(Weighting):
    """Kendall et al. 2018: the sum of f_i e^(-s_i) L_i + s_i / 2, with s_i = log sigma_i^2 learned by
    Adam without weight decay, and f_i = 1/2 for a squared error, 1 for a negative log-likelihood.

    At rest e^(-s_i) = 1 / (2 f_i L_i): a task counts by the inverse of its loss.
    """

    learning_rate: Annotated[float, Field(gt=0)] = 0.01  # of the weights
    initial: ClassVar[Mapping[str, float]] = {"s": 0.0, **INITIAL}

    def weights(self, facts: StepFacts) -> Weights:
        return {task: self._weight(facts, task) for task in facts.losses}

    def _weight(self, facts: StepFacts, task: str) -> float:
        return (0.5 if facts.tasks[task].gaussian else 1.0) * math.exp(-self.of(task)["s"])

    def update(self, facts: StepFacts) -> None:
        for task, loss in facts.losses.items():
            memory = self.of(task)
            memory["s"] += adam(memory, 0.5 - self._weight(facts, task) * loss, self.learning_rate)
            self.remember(task, memory)


METHOD = Uncertainty
