"""auto: until no task improves any more, by a trend that noise does not feign, within a ceiling."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from components.data.mixture.budgets.base import Asked, Budget


class Auto(Budget):
    """Rates stay high until then, and fall over a quarter more steps (Hägele et al. 2024)."""

    cooldown: ClassVar[float | None] = 0.25
    epochs: Annotated[float, Field(gt=0)] = 3.0  # the ceiling: passes over the largest task's rows

    def allows(self, asked: Asked) -> float:
        return self.epochs * asked.epoch(asked.largest())


METHOD = Auto
