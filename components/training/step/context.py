"""What a step works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from components import device as devices
from components.data.batches.batching import Batch
from components.data.encoding.split import EncodedSplit
from components.model.multitask import MultiTaskModel
from components.settings.training import Training
from components.training import parallel, regularisation
from components.training.balancing import Balancer
from components.training.step.loss_scale import LossScale

Splits = Mapping[str, EncodedSplit]
FIRST = 2048  # tokens of a micro-batch that is to become as large as memory allows; on a CPU it stays so


@dataclass
class StepContext:
    """All that a step changes is in `model`, `optimiser`, `balancer` and `scale`, in `micro_batch_tokens` and
    in whether it `grows`."""

    model: MultiTaskModel
    optimiser: torch.optim.Optimizer
    balancer: Balancer
    splits: Splits
    training: Training
    seed: int
    shares: Mapping[str, float] = field(default_factory=dict)  # of the mixture in the coming step, by head
    next_batch: Callable[[], Batch] = dict  # draws the step after it: a method may look ahead on its rows

    def __post_init__(self) -> None:
        self.scale = LossScale(self.training.precision)
        budget = self.training.tokens_per_micro_batch
        self.micro_batch_tokens = FIRST if budget == "auto" else budget  # less where memory did not hold them
        self.grows = (
            budget == "auto" and parallel.alone() and devices.counts_launches(self.model.device)
        )  # of several processes none can tell alone how large is too large
        self.regularisers = regularisation.build(self.training.regularisation)

    def on_held(self, micro_batches: int) -> None:
        """A step of so many micro-batches fitted: where there were several, larger ones may fit as well."""
        if self.grows and micro_batches > 1:
            self.micro_batch_tokens *= 2

    def on_out_of_memory(self) -> None:
        """A micro-batch did not fit; half of one may, and a larger one will not."""
        self.micro_batch_tokens //= 2
        self.grows = False
