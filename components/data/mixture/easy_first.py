"""Easy rows first: a curriculum over the rows of one task.

A task's rows stand in the order of their difficulty, and at each moment it draws from the easiest of them
only. How many these are grows as in Platanios et al. 2019 (competence-based curriculum learning, the
square-root schedule), in stages: within a stage each epoch visits every row of the stage once, as a
mixture without a curriculum does, so draws stay a pure function of (plan, seed, step).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

STAGES = 10  # before all rows are drawn


def stages(rows: int, first: float, steps: int) -> list[tuple[int, int]]:
    """(step, how many of the easiest rows are drawn from it on), the last of them with all `rows`.

    The part at time t of `steps` is sqrt(t / steps * (1 - first^2) + first^2).
    """
    moments = sorted({steps * stage // STAGES for stage in range(STAGES + 1)})
    parts = [math.sqrt(moment / steps * (1 - first**2) + first**2) for moment in moments]
    return [(moment, math.ceil(part * rows - 1e-9)) for moment, part in zip(moments, parts, strict=True)]


def easiest(difficulty_N: np.ndarray, excluded: Sequence[int]) -> np.ndarray:
    """The numbers of the rows that are not excluded, the easiest first."""
    order = np.argsort(difficulty_N, kind="stable")
    return order[~np.isin(order, np.asarray(excluded, dtype=np.int64))] if len(excluded) else order


def mean_over_run(values: np.ndarray, stages: Sequence[tuple[int, int]], steps: int) -> float:
    """The mean of a value of rows, easiest first, over the rows that a run of `steps` draws."""
    begins = [min(step, steps) for step, _ in stages]
    parts = np.diff([*begins, steps]) / steps
    return float(sum(part * values[:size].mean() for part, (_, size) in zip(parts, stages, strict=True)))
