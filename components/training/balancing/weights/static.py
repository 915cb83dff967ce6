"""Static weights: as given, or the mixture's shares."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from pydantic import Field

from components.errors import near_miss
from components.training.balancing.base import StepFacts, Weighting, Weights


class Static(Weighting):
    """w_i as given. Without `weights`, the mixture's shares: then a row counts alike whichever task
    it is of, and a task with one row in a step does not drown the others in noise.

    Tuned static weights are hard to beat (Kurin et al. 2022; Xin et al. 2022).
    """

    # each head's weight; without it, the mixture's shares
    given: Annotated[dict[str, Annotated[float, Field(ge=0)]], Field(alias="weights", default_factory=dict)]

    def check(self, tasks: Collection[str]) -> None:
        for name in self.given if self.given else ():
            if name not in tasks:
                raise ValueError(
                    f"weights.{name}: not a task{near_miss(name, tasks)}; expected one weight per task"
                )
        for name in tasks if self.given else ():
            if name not in self.given:
                raise ValueError(f"weights.{name}: missing; expected one weight per task")
        if self.given and not any(self.given.values()):
            raise ValueError("weights: found 0 for every task; expected a task that learns")

    def weights(self, facts: StepFacts) -> Weights:
        return {task: self.given[task] if self.given else facts.tasks[task].share for task in facts.losses}


METHOD = Static
