"""What a step works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from components.data.batches.batching import Batch
from components.data.encoding.split import EncodedSplit
from components.model.multitask import MultiTaskModel
from components.settings.training import Training
from components.training import regularisation
from components.training.balancing import Balancer
from components.training.step.loss_scale import LossScale

Splits = Mapping[str, EncodedSplit]


@dataclass
class StepContext:
    """All that a step changes is in `model`, `optimiser`, `balancer`, `scale` and `micro_batch_tokens`."""

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
        self.micro_batch_tokens = self.training.tokens_per_micro_batch  # less where memory did not hold them
        self.regularisers = regularisation.build(self.training.regularisation)
