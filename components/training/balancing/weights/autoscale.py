"""AutoScale: a short exploration finds weights under which every task pulls alike; then they are fixed."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field

from components.errors import near_miss
from components.settings.section import Steps
from components.training.balancing.base import Fact, StepFacts, Weighting, Weights

NOTHING = 1e-3  # times the median of the tasks' gradients: a shorter one pulls nowhere
Pull = Annotated[float, Field(ge=NOTHING, le=1 / NOTHING)]  # beyond, others or the task do not learn


class AutoScale(Weighting):
    """Static weights in two phases, without a search (Yang et al. 2025, with their measure of the similarity
    of gradients' magnitudes, 2 |g_i| |g_j| / (|g_i|^2 + |g_j|^2), which is 1 where all are equal).

    The first `explore` steps, at most a quarter of the run, train with the mixture's shares; their first
    half, in which new heads settle, is not looked at, and the second measures n_i, the mean of |g_i| on the
    encoder. From then on w_i = (1 / n_i) / sum_j (1 / n_j), which costs nothing. With `pull` p_i it is
    p_i / n_i: what a preference among tasks is in other methods. A task whose gradient nobody
    has seen, or of which next to nothing is left, keeps its share: by the formula one that has nothing to
    learn, or has learnt it all by then, would take nearly all the weight, and the others would stand still.
    """

    # steps with the mixture's shares, whose second half measures the gradients; at most a quarter of the run
    explore: Steps = 50
    # how many times as hard as the others a task pulls the encoder after that; one that is left out: once
    pull: Annotated[dict[str, Pull], Field(default_factory=dict)]
    initial: ClassVar[Mapping[str, float]] = {"steps": 0.0, "norms": 0.0}

    def check(self, tasks: Collection[str]) -> None:
        for name in self.pull:
            if name not in tasks:
                raise ValueError(
                    f"pull.{name}: not a task{near_miss(name, tasks)}; expected some of {', '.join(tasks)}"
                )

    def of_run(self, steps: int) -> Self:
        return self.model_copy(update={"explore": min(self.explore, steps // 4)})

    def needs(self, step: int) -> frozenset[Fact]:
        return frozenset({"gramian_KK"} if self._measures(step) else ())

    def _measures(self, step: int) -> bool:
        return self.explore // 2 <= step < self.explore

    def weights(self, facts: StepFacts) -> Weights:
        shares = {task: known.share for task, known in facts.tasks.items()}
        found = self._found(facts) if facts.step >= self.explore else {}
        total = sum(found.values())
        part = sum(shares[task] for task in found)  # of the sum of all weights, for the measured tasks
        fixed = {task: part * value / total for task, value in found.items()}
        return {task: fixed.get(task, shares[task]) for task in facts.losses}

    def _found(self, facts: StepFacts) -> dict[str, float]:
        """p_i / n_i of the tasks whose gradient has been seen, and is one."""
        memories = {task: self.of(task) for task in facts.tasks}
        found = {task: one["steps"] / one["norms"] for task, one in memories.items() if one["norms"]}
        most = statistics.median_low(found.values()) / NOTHING if found else 0.0
        return {task: self.pull.get(task, 1.0) * value for task, value in found.items() if value < most}

    def update(self, facts: StepFacts) -> None:
        if not self._measures(facts.step):
            return
        assert facts.gramian_KK is not None  # noqa: S101 the loop gathers what `needs` says
        norms = np.sqrt(np.diag(facts.gramian_KK)).tolist()
        for task, norm in zip(facts.losses, norms, strict=True):
            memory = self.of(task)
            self.remember(task, {"steps": memory["steps"] + 1, "norms": memory["norms"] + norm})


METHOD = AutoScale
