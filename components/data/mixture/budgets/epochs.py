"""epochs: so many passes over the rows of the smallest or the largest task, or of one by its name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from pydantic import Field

from components.data.mixture.budgets.base import Asked, Budget
from components.errors import near_miss


class Epochs(Budget):
    """The other tasks get what the mixture gives them meanwhile."""

    epochs: Annotated[float, Field(gt=0)]  # passes over the task's rows
    of: str = "largest"  # the task: smallest, largest, or a name

    def check(self, tasks: Collection[str]) -> None:
        if self.of not in {*tasks, "smallest", "largest"}:
            raise ValueError(
                f"of: no task '{self.of}'{near_miss(self.of, tasks)}; expected smallest, largest or one of "
                f"{', '.join(tasks)}"
            )

    def allows(self, asked: Asked) -> float:
        named = {"smallest": asked.smallest, "largest": asked.largest}
        task = self.of if self.of in asked.draft.tasks else named[self.of]()
        return self.epochs * asked.epoch(task)


METHOD = Epochs
