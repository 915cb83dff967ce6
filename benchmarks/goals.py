"""The last line of every benchmark: one JSON object whose `goals` say what was measured and what was reached.

A line's value is a ratio to the peer that docs/reference/benchmarks.md names, or a quantity with its
unit in the line.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

COMPARE: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True)
class Goal:
    """One measured line. `spread` holds the lowest and the highest of the rounds, or an interval that the
    line names; `goal` reads "<= 1.1" or ">= 3"; None: measured, and nothing was promised."""

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


def finish(goals: Sequence[Goal], **beside: Any) -> None:
    """Print the last line: the goals, and what else the benchmark has to say."""
    print(json.dumps({"goals": [goal.to_json() for goal in goals], **beside}))
