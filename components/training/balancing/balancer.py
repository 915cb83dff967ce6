"""One weighting and one combination, composed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from components.training.balancing.base import Combination, Fact, StepFacts, TaskState, Weighting, Weights


class Balance(NamedTuple):
    """What each task of a step counts.

    `heads` are the w_i: a head trains on w_i L_i. `shared` are the c_i w_i: the shared parameters'
    gradient is sum_i c_i w_i g_i. They differ where gradients are combined, since a combination
    settles conflicts that only shared parameters have; a head must not stand still where c_i is 0.
    """

    heads: Weights
    shared: Weights


class Balancer:
    """Weighs the tasks of a step: ask `needs`, gather those facts, `weigh`, step, then `update`."""

    def __init__(self, weighting: Weighting, combination: Combination) -> None:
        self.weighting = weighting
        self.combination = combination

    def needs(self, step: int) -> frozenset[Fact]:
        """The facts, besides losses, to be gathered in this step."""
        return self.weighting.needs(step) | self.combination.needs(step)

    def weigh(self, facts: StepFacts) -> Balance:
        """The step's weights; changes nothing.

        Raises:
            FloatingPointError: a loss or a gradient is not finite: skip the step.
        """
        if not facts.finite:
            raise FloatingPointError(f"step {facts.step}: a loss or a gradient is not finite")
        if not facts.losses:
            return Balance({}, {})
        heads = self.weighting.weights(facts)
        factors = self._factors(facts, np.array([heads[task] for task in facts.losses]))
        return Balance(heads, {task: factors[place] * heads[task] for place, task in enumerate(facts.losses)})

    def _factors(self, facts: StepFacts, w_K: np.ndarray) -> list[float]:
        """c_i from the Gramian of the weighted gradients, without those that are zero."""
        needs = self.combination.needs(facts.step)
        if not needs:
            return [1.0] * len(w_K)
        (which,) = needs  # a combination looks at one Gramian; where a weighting has the exact one, at that
        gramian_KK = getattr(facts, which) if facts.gramian_KK is None else facts.gramian_KK
        weighted_KK = gramian_KK * np.outer(w_K, w_K)
        factors_K = np.ones(len(w_K))
        moving = np.flatnonzero(np.diag(weighted_KK) > 0)
        if len(moving):
            part = weighted_KK[np.ix_(moving, moving)]
            factors_K[moving] = self.combination.factors(part, facts.seed, facts.step)
        return [float(factor) for factor in factors_K]

    def update(self, facts: StepFacts) -> None:
        """Learn from a step that was taken; one that shows a NaN or an infinity, or draws no task, teaches
        nothing."""
        if facts.finite and facts.losses:
            self.weighting.update(facts)

    def state(self) -> TaskState:
        """For a checkpoint: JSON, which keeps floats exactly."""
        return self.weighting.state()

    def restore(self, state: TaskState) -> None:
        """Go on from a checkpoint's `state`."""
        self.weighting.restore(state)
