"""What a budget must offer, and what it may ask."""

from __future__ import annotations

import abc
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from components.data.mixture.records import PlanRecord


@dataclass(frozen=True)
class Asked:
    """What a rule may know: a draft of the plan, of some length, and this machine's speed."""

    draft: PlanRecord
    tokens_per_step: int
    seconds_per_token: Callable[[], float]  # evaluations among them; measured when it is asked

    def epoch(self, task: str) -> float:
        """The tokens of a run, all tasks together, that gives this task one pass over its rows."""
        own = self.draft.tasks[task]
        rows_per_step = (own.rows_per_step or self.draft.rows_per_step) * own.share
        return own.places / rows_per_step * self.tokens_per_step

    def largest(self) -> str:
        """The task with the most rows, of those that are not there for the others' sake alone."""
        return max(self._released(), key=lambda name: self.draft.tasks[name].usable)

    def smallest(self) -> str:
        """The task with the fewest of them."""
        return min(self._released(), key=lambda name: self.draft.tasks[name].usable)

    def _released(self) -> list[str]:
        return [name for name, task in self.draft.tasks.items() if not task.auxiliary]


class Budget(BaseModel, abc.ABC):
    """A rule; its fields are the options that a user may set beside its name."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    cooldown: ClassVar[float | None] = None
    """Of a rule that lets training end before: what its steps are multiplied by in which the rates fall."""

    def check(self, tasks: Collection[str]) -> None:
        """Raise ValueError, "option: what is wrong", where an option does not fit these tasks."""

    @abc.abstractmethod
    def allows(self, asked: Asked) -> float:
        """The tokens that the training reads, at most."""
