"""What reports/training.json says of the steps between two scheduled evaluations.

Everything comes from the state, which the checkpoint keeps, or from the step's number, so a resumed run
writes the same bytes.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.data.mixture import Plan

Cosines = dict[str, dict[str, list[float]]]  # head -> a later head -> [sum, number of steps]


def add_cosines(cosines: Cosines, heads: Sequence[str], gramian_KK: np.ndarray) -> None:
    """Add a step's cosines of the heads' gradients, G_ij / sqrt(G_ii G_jj), where neither is zero."""
    norms_K = np.sqrt(np.diag(gramian_KK))
    for i, j in itertools.combinations(range(len(heads)), 2):
        if norms_K[i] * norms_K[j] > 0:
            first, second = sorted((heads[i], heads[j]))
            total = cosines.setdefault(first, {}).setdefault(second, [0.0, 0])
            total[0] += float(gramian_KK[i, j] / (norms_K[i] * norms_K[j]))
            total[1] += 1


def means(cosines: Cosines) -> dict[str, dict[str, float]]:
    """Head -> a later head (by name) -> the mean cosine of their gradients."""
    return {
        head: {other: total / count for other, (total, count) in others.items()}
        for head, others in cosines.items()
    }


def mixture(plan: Plan, history: Sequence[Mapping[str, Any]], step: int) -> dict[str, float]:
    """Each task's mean share of the rows of the steps since the last evaluation."""
    since = history[-1]["step"] if history else 0
    return {
        name: (task.over_steps.total(step) - task.over_steps.total(since)) / (step - since)
        for name, task in plan.tasks.items()
    }
