"""Shares of test sets, with the 95 % interval of Wilson: as a goal, and as a cell."""

from __future__ import annotations

from benchmarks.goals import Goal
from components.evaluation.intervals import wilson

Share = tuple[float, int]  # and of how many
NORMAL = 1.96


def goal(line: str, share: Share, reach: str | None) -> Goal:
    """What was measured, and what it has to reach."""
    return Goal(line, share[0], wilson(*share, NORMAL), reach)


def cell(share: Share) -> str:
    """In percent, with its interval."""
    low, high = wilson(*share, NORMAL)
    return f"{100 * share[0]:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
