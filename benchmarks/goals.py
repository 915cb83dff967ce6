"""The last line of every benchmark: one JSON object whose `goals` say what was measured and what was reached.

A line's value is a ratio to the peer that docs/reference/benchmarks.md names, or a quantity with its
unit in the line.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Goal:
    """One measured line. `spread` holds the lowest and the highest of the rounds, or an interval that the
    line names; `goal` reads "<= 1.1", ">= 3" or "> 0"; None: measured, and nothing was promised."""

    line: str
    value: float
    spread: tuple[float, float]
    goal: str | None = None

    @property
    def reached(self) -> bool | None:
        """Does the value hold the goal? None where there is none."""
        if self.goal is None:
            return None
        sign, bound = self.goal.split()
        return COMPARE[sign](self.value, float(bound))

    def to_json(self) -> dict[str, Any]:
        """The line as the last line of a benchmark has it."""
        low, high = self.spread
        return {
            "line": self.line,
            "value": float(f"{self.value:.4g}"),
            "spread": [float(f"{low:.4g}"), float(f"{high:.4g}")],
            "goal": self.goal,
            "reached": self.reached,
        }


def over_seeds(line: str, measured: Sequence[float]) -> Goal:
    """The mean over seeds and the ends of its 95 % t-interval; of one seed there is the value alone."""
    mean, *ends = measured
    low, high = ends or (mean, mean)
    return Goal(f"{line} ({'95 % t-interval' if ends else 'one seed'})", mean, (low, high))


def finish(goals: Sequence[Goal], **beside: Any) -> None:
    """Print the last line: the goals, and what else the benchmark has to say."""
    print(json.dumps(_finite({"goals": [goal.to_json() for goal in goals], **beside}), allow_nan=False))


def _finite(told: Any) -> Any:
    """JSON knows neither NaN nor infinity: null."""
    if isinstance(told, dict):
        return {key: _finite(value) for key, value in told.items()}
    if isinstance(told, list | tuple):
        return [_finite(value) for value in told]
    return None if isinstance(told, float) and not math.isfinite(told) else told
