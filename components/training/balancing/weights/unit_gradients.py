"""Unit gradients: every task pulls with the same force."""

from __future__ import annotations

import math

import numpy as np

from components.training.balancing.base import Fact, StepFacts, Weighting, Weights


class UnitGradients(Weighting):
    """w_i = (1 / |g_i|) |sum_j g_j| / sum_j |g_j|: the gradients w_i g_i are equally long, and the
    longer the more the tasks agree. A task without a gradient gets weight 0.
    """

    name = "gradient_normalisation"

    def needs(self, step: int) -> frozenset[Fact]:
        return frozenset({"gramian_KK"})

    def weights(self, facts: StepFacts) -> Weights:
        assert facts.gramian_KK is not None  # noqa: S101 the loop gathers what `needs` says
        norms = np.sqrt(np.diag(facts.gramian_KK)).tolist()
        agreement = math.sqrt(max(float(facts.gramian_KK.sum()), 0.0)) / (sum(norms) or 1.0)
        return {
            task: agreement / norm if norm else 0.0 for task, norm in zip(facts.losses, norms, strict=True)
        }


METHOD = UnitGradients
