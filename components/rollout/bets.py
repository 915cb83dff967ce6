"""Is a mean above a margin? A sequential test that may be looked at after every value.

Gamblers bet against "the mean of what comes is at most m", each the same part of what may be bet in every
round: the capital of one who stakes c is multiplied by 1 + c (x / m - 1), for x in [0, 1]. While the mean is
at most m, whatever came before, no capital grows on average, nor does the mean of all of them; so it ever
reaches 1 / α with a probability of at most α (Ville 1939). The gamblers are a grid of stakes, since nobody
knows the best one (Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables by betting").
Logarithms of capital add up over rounds, in whatever worker they were played.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated

from pydantic import ConfigDict, Field, FiniteFloat, NonNegativeInt

from components.records import Part

STAKES = tuple(2.0**-power for power in range(1, 9))  # of the most that a gambler may bet


class Bets(Part):
    """The rounds of a test that were played."""

    model_config = ConfigDict(frozen=False)

    rounds: NonNegativeInt = 0  # so many
    sum: FiniteFloat = 0.0  # of the values
    # by stake, logarithms
    capitals: Annotated[list[FiniteFloat], Field(min_length=len(STAKES), max_length=len(STAKES))] = Field(
        default_factory=lambda: [0.0] * len(STAKES)
    )

    def add(self, value: float, margin: float) -> None:
        """Play a round: `value` in [0, 1], against a mean of at most `margin`."""
        self.rounds += 1
        self.sum += value
        won = value / margin - 1
        self.capitals = [
            capital + math.log1p(stake * won) for capital, stake in zip(self.capitals, STAKES, strict=True)
        ]

    @property
    def capital(self) -> float:
        """What the gamblers have now, of the 1 that they began with."""
        most = max(self.capitals)
        share = sum(math.exp(capital - most) for capital in self.capitals) / len(STAKES)
        return math.exp(min(most, 500.0)) * share

    @property
    def mean(self) -> float | None:
        """Of the values; None of none."""
        return self.sum / self.rounds if self.rounds else None

    @classmethod
    def together(cls, played: Iterable[Bets]) -> Bets:
        """All rounds of several."""
        found = cls()
        for one in played:
            found.rounds += one.rounds
            found.sum += one.sum
            found.capitals = [a + b for a, b in zip(found.capitals, one.capitals, strict=True)]
        return found
