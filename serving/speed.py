"""How long the model will take, by how long it took."""

from __future__ import annotations

import math

MEMORY = 0.95  # of the passes before, beside the last
FIRST = 1e-3  # seconds a token, before the first pass
SURE = 1.5  # times the mean deviation of passes from what was expected: nine in ten stay below
LEAST = 1e-6  # seconds of a pass: that it took none is the clock's mistake
HUNG = 10  # times what was expected, as which a pass that took longer is remembered


class Speed:
    """Seconds of a pass of so many tokens: on the straight line through the last ones (least squares), and
    their mean deviation from it besides, as in TCP's time-out (Jacobson 1988)."""

    def __init__(self) -> None:
        # of the passes: how many, and the sums of tokens, seconds, tokens squared, tokens times seconds
        self._sums = [1.0, 1.0, FIRST, 1.0, FIRST]
        self._off = 0.0  # mean share of a pass's seconds by which it took longer or shorter

    def remember(self, seconds: float, tokens: float) -> None:
        """A pass has taken so long; the latest counts most."""
        expected = self._line(tokens)
        seconds = min(max(seconds, LEAST), HUNG * expected)
        self._off = MEMORY * self._off + (1 - MEMORY) * min(1.0, abs(seconds / expected - 1))
        new = (1.0, tokens, seconds, tokens * tokens, tokens * seconds)
        self._sums = [MEMORY * old + one for old, one in zip(self._sums, new, strict=True)]

    def of(self, tokens: float) -> float:
        """Seconds that a pass of so many hardly exceeds."""
        return self._line(tokens) * (1 + SURE * self._off)

    def _line(self, tokens: float) -> float:
        count, sum_t, sum_s, sum_tt, sum_ts = self._sums
        spread, slope = count * sum_tt - sum_t * sum_t, count * sum_ts - sum_t * sum_s
        fixed = sum_s * sum_tt - sum_t * sum_ts  # the line's height at no tokens, times the spread
        if spread < 1e-3 * count * sum_tt or slope < 0 or fixed < 0:  # all alike, or no such line
            return sum_s / sum_t * tokens
        return (fixed + slope * tokens) / spread


class Rate:
    """How much comes in a second, of late: what is as long ago as the memory counts a third (1/e)."""

    def __init__(self, memory: float) -> None:
        """`memory` is in seconds."""
        self._memory, self._sum, self._at = memory, 0.0, 0.0

    def add(self, now: float, much: float) -> None:
        """So much comes now."""
        self._sum, self._at = self._kept(now) + much, now

    def rate(self, now: float) -> float:
        """A second."""
        return self._kept(now) / self._memory

    def _kept(self, now: float) -> float:
        return self._sum * math.exp((self._at - now) / self._memory)
