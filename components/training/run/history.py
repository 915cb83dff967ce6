"""What reports/training.json says of the steps between two scheduled evaluations.

Everything comes from the state, which the checkpoint keeps, or from the step's number, so a resumed run
writes the same bytes.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from components.data.mixture.draws import Plan
from components.training.run.measured import Measured, mean
from components.training.run.state import Cosines, Entry, State


def add_step(
    state: State, losses: Mapping[str, float], weights: Mapping[str, float], gramian_KK: np.ndarray | None
) -> None:
    """Add what a step showed: each head's loss and weight, and the gradients' Gramian if it made one."""
    for head, loss in losses.items():
        state.losses.setdefault(head, []).append(loss)
        state.weights.setdefault(head, []).append(weights[head])
    if gramian_KK is not None:
        add_cosines(state.cosines, list(losses), gramian_KK)


def add_evaluation(
    state: State, found: Mapping[str, Measured], plan: Plan, rate: float, auxiliary: Collection[str] = ()
) -> None:
    """Add an entry to the history: the scores, and what the steps since the last one showed.

    The score is the mean over the heads that are released: what an auxiliary task forgets is no loss.
    """
    released = {head: one for head, one in found.items() if head not in auxiliary}
    score, error, _ = mean(released or found)  # an auxiliary task may also train alone
    if score > state.best_score:
        state.best_score, state.best_step, state.evaluations_without_improvement = score, state.step, 0
    else:
        state.evaluations_without_improvement += 1
    entry: Entry = {
        "step": state.step,
        "score": score,
        "error": error,
        "validation": {head: one.score for head, one in found.items()},
        "errors": {head: one.error for head, one in found.items()},
        "rows": {head: int(one.rows) for head, one in found.items()},
        "training_loss": {head: float(np.mean(values)) for head, values in state.losses.items()},
        "weights": {head: float(np.mean(values)) for head, values in state.weights.items()},
        "mixture": mixture(plan, state.history, state.step),
        "cosines": means(state.cosines),
        "learning_rate": rate,
        "tokens": state.tokens,
    }
    state.losses, state.weights, state.cosines = {}, {}, {}
    state.history.append(entry)


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


def mixture(plan: Plan, history: Sequence[Entry], step: int) -> dict[str, float]:
    """Each task's mean share of the rows of the steps since the last evaluation."""
    since = history[-1]["step"] if history else 0
    return {
        name: (task.over_steps.total(step) - task.over_steps.total(since)) / (step - since)
        for name, task in plan.tasks.items()
    }
