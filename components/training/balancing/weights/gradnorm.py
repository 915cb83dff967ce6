"""GradNorm: tasks train at similar rates when their gradients' norms are pulled together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from components.training.balancing.adam import INITIAL, adam
from components.training.balancing.base import Fact, StepFacts, Weighting, Weights

LEAST = 1e-3  # a weight stays positive


class GradNorm(Weighting):
    """Chen et al. 2018, algorithm 1, on the last shared layer: w_i descends |w_i n_i - N r_i^alpha|,
    with n_i the norm of g_i, N the mean of w_i n_i, r_i the relative inverse training rate
    (L_i / L_i(0)) / mean_j (L_j / L_j(0)), and the target N r_i^alpha held constant.

    The weights are positive and sum to K. A step that draws some of the tasks shares out their part
    anew and leaves the others' alone. L_i(0) is that of the first step that drew the task.
    """

    # how strongly slow tasks are pulled up; 0 makes the weighted norms equal
    alpha: Annotated[float, Field(ge=0)] = 1.5
    learning_rate: Annotated[float, Field(gt=0)] = 0.025  # of the weights
    initial: ClassVar[Mapping[str, float]] = {"weight": 1.0, "first_loss": 0.0, **INITIAL}

    def needs(self, step: int) -> frozenset[Fact]:
        return frozenset({"norms"})

    def weights(self, facts: StepFacts) -> Weights:
        raw = {task: self.of(task)["weight"] for task in facts.tasks}
        scale = len(raw) / sum(raw.values())
        return {task: raw[task] * scale for task in facts.losses}

    def update(self, facts: StepFacts) -> None:
        assert facts.norms is not None  # noqa: S101 the loop gathers what `needs` says
        memories = {task: self.of(task) for task in facts.losses}
        before = sum(memory["weight"] for memory in memories.values())
        weights, targets = self.weights(facts), self._targets(facts)
        for task, memory in memories.items():
            memory["first_loss"] = memory["first_loss"] or facts.losses[task]
            excess = weights[task] * facts.norms[task] - targets[task]
            slope = facts.norms[task] * ((excess > 0) - (excess < 0))
            memory["weight"] = max(memory["weight"] + adam(memory, slope, self.learning_rate), LEAST)
        scale = before / sum(memory["weight"] for memory in memories.values())
        for task, memory in memories.items():
            self.remember(task, {**memory, "weight": memory["weight"] * scale})

    def _targets(self, facts: StepFacts) -> dict[str, float]:
        """N r_i^alpha of the step's tasks."""
        assert facts.norms is not None  # noqa: S101
        weights, count = self.weights(facts), len(facts.losses)
        mean_norm = sum(weights[task] * facts.norms[task] for task in weights) / count
        rates = {t: loss / (self.of(t)["first_loss"] or loss or 1.0) for t, loss in facts.losses.items()}
        mean_rate = sum(rates.values()) / count or 1.0
        return {task: mean_norm * (rate / mean_rate) ** self.alpha for task, rate in rates.items()}


METHOD = GradNorm
