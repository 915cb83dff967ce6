"""minutes: as many tokens as this machine trains in that time, by a handful of steps that are timed first."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.data.mixture.budgets.base import Asked, Budget


class Minutes(Budget):
    """Another machine, or the same one under load, would come to another plan."""

    minutes: Annotated[float, Field(gt=0)]  # of training, its evaluations among them

    def allows(self, asked: Asked) -> float:
        return 60 * self.minutes / asked.seconds_per_token()


METHOD = Minutes
