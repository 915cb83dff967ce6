"""A comparison that a model exactly as good as the champion has yet to pass: how often will it?

Such a model answers some rows otherwise, and each of those it wins as often as it loses it. So of the rows
that differ the number it wins is a binomial one, and it passes where the bound of what it has won and lost
(`Difference.low`, as the gate has it) is within the margin.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

from components.evaluation.difference import Difference


@dataclass(frozen=True)
class Ahead:
    """A comparison with a release, on test rows to come."""

    whom: str  # it is with: the champion, the anchor, or the champion by a further gate
    margin: float  # a loss that is allowed
    level: float  # of its bound, one-sided
    known: Difference  # of two such models on so many rows
    above: float = 0.0  # how far the champion is above that release

    def on(self, rows: float) -> Ahead:
        """On so many times the rows."""
        units = max(1, round(self.known.units * rows))
        won, lost = (part * units / self.known.units for part in (self.known.won, self.known.lost))
        freedom = None if self.known.freedom is None else max(1, units - 1)
        changes = {"won": won, "lost": lost, "units": units, "freedom": freedom}
        return replace(self, known=self.known.model_copy(update=changes))

    def within(self, margins: float) -> Ahead:
        """With so many times the margin."""
        return replace(self, margin=self.margin * margins)

    @property
    def chance(self) -> float:
        """Of passing."""
        from scipy.stats import binom

        differ = round(self.known.won + self.known.lost)

        def passes(won: int) -> bool:
            seen = self.known.model_copy(update={"won": float(won), "lost": float(differ - won)})
            return seen.low(self.level) > -self.margin

        least = bisect_left(range(differ + 1), True, key=passes)
        extra = self.above / self.known.worth * self.known.units / (2 * max(differ, 1))
        return float(binom.sf(least - 1, differ, min(max(0.5 + extra, 0.0), 1.0)))
