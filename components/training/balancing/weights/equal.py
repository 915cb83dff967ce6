"""Equal weights: the mean of the tasks' losses."""

from __future__ import annotations

from components.training.balancing.base import StepFacts, Weighting, Weights


class Equal(Weighting):
    """w_i = 1/K, K being all the tasks that train, drawn in this step or not."""

    def weights(self, facts: StepFacts) -> Weights:
        return dict.fromkeys(facts.losses, 1 / len(facts.tasks))


METHOD = Equal
