"""One optimisation step: forward, weigh the tasks, backward, clip once, step once.

Legend: L_i the mean loss of task i (a head) over its own units of the step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from components.data.batches.batching import Batch
from components.training.balancing import Balance
from components.training.step.backward import NotFiniteError, ScaleOverflowError, StepBackward
from components.training.step.context import Splits, StepContext
from components.training.step.prepare import Prepared

__all__ = ["NotFiniteError", "ScaleOverflowError", "Splits", "Stepper"]


@dataclass
class Stepper(StepContext):
    """Takes steps."""

    gramian_KK: np.ndarray | None = None  # of the step just taken, if it made one

    def take(
        self, step: int, batch: Batch, prepared: Prepared | None = None
    ) -> tuple[dict[str, float], Balance]:
        """One step on a batch, which may have been prepared; returns each L_i and what it counted.

        A task that the step does not draw leaves its head's gradient None, so neither momentum nor
        decay moves it.

        Raises:
            NotFiniteError: naming step, task and rows; nothing was changed.
            ScaleOverflowError: nothing was changed but the loss scale, which is half of what it was.
            UserError: the device's memory does not hold a single row.
        """
        backward = StepBackward(self, step, batch, prepared)
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        try:
            facts, balance = backward.within_memory(backward.fill)
        except ScaleOverflowError:
            self.scale.on_overflow()
            raise
        self.optimiser.step()
        self.scale.on_finite_step()
        self.on_held(len(backward.batches))
        needs = self.balancer.needs(step)
        if "losses_after" in needs:
            facts = replace(facts, losses_after=backward.within_memory(backward.losses))
        if "alignments" in needs:
            facts = replace(facts, alignments=backward.within_memory(backward.alignments))
        self.balancer.update(facts)
        self.gramian_KK = facts.gramian_KK
        return dict(facts.losses), balance
