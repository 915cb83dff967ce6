"""Weights by how much each task's loss varies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from components.training.balancing.base import StepFacts, Weighting, Weights


class LossVariance(Weighting):
    """w_i = sqrt(Var L_i) / sum_j sqrt(Var L_j), the variance running over the task's steps so far.

    A task seen fewer than twice counts as the mean of the others; without any, all count alike.
    """

    initial: ClassVar[Mapping[str, float]] = {"steps": 0.0, "mean": 0.0, "squares": 0.0}

    def weights(self, facts: StepFacts) -> Weights:
        memories = {task: self.of(task) for task in facts.tasks}
        known = {
            task: math.sqrt(memory["squares"] / (memory["steps"] - 1))
            for task, memory in memories.items()
            if memory["steps"] >= 2
        }
        mean = sum(known.values()) / len(known) if known else 0.0
        total = sum(known.get(task, mean) for task in facts.tasks)
        if total == 0:
            return dict.fromkeys(facts.losses, 1 / len(facts.tasks))
        return {task: known.get(task, mean) / total for task in facts.losses}

    def update(self, facts: StepFacts) -> None:
        """Welford 1962: squares is the sum of squared deviations from the mean, without cancellation."""
        for task, loss in facts.losses.items():
            memory = self.of(task)
            memory["steps"] += 1
            change = loss - memory["mean"]
            memory["mean"] += change / memory["steps"]
            memory["squares"] += change * (loss - memory["mean"])
            self.remember(task, memory)


METHOD = LossVariance
