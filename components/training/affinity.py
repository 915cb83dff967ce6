"""How much the tasks of a joint run have in common, measured now and then while it trains.

Two measures, both on the rows of the step that is to be taken, without dropout's noise between them
(it draws the same every time) and in single precision, since the differences are small:

- the cosine of two tasks' gradients on the encoder, G_ij / sqrt(G_ii G_jj);
- the look-ahead affinity of Fifty et al. 2021, eq. 1: Z_ij = 1 - L_j(theta_i) / L_j(theta), with
  theta_i the encoder after a gradient step on task i alone, at the learning rates of that step.
  Z_ij > 0: a step on i helps j.

Measuring leaves model, optimiser and every later draw as they were.

Legend: i, j tasks (heads of the model), K the heads of a step, L_i a loss, G the Gramian of gradients.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from components.data.batches.batching import Batch
from components.training.gradients.base import TaskGradients
from components.training.step.backward import StepBackward
from components.training.step.stepper import Stepper

Means = dict[str, list[float]]  # "i|j" -> [times measured, mean]
Measured = dict[str, Means]  # by the measure


@dataclass
class Affinity:
    """Running means over the steps that drew both tasks, measured every `every` steps."""

    every: int
    cosine: Means = field(default_factory=dict)  # of the pair in either order
    look_ahead: Means = field(default_factory=dict)  # "i|j": of a step on i, for j

    def measure(self, stepper: Stepper, step: int, batch: Batch) -> None:
        """Measure before the step is taken, where it is its turn; what is not finite counts for nothing."""
        if step % self.every:
            return
        exact = stepper.training.model_copy(update={"precision": "fp32"})
        backward = StepBackward(replace(stepper, training=exact), step, batch)
        stepper.model.train()
        stepper.optimiser.zero_grad(set_to_none=True)
        losses, gradients = backward.within_memory(backward.per_task)
        cosine_KK = cosines(gradients.gramian())
        ahead_KK = look_ahead(backward, gradients, rates(stepper.optimiser))
        stepper.optimiser.zero_grad(set_to_none=True)
        for i, first in enumerate(losses):
            for j, second in enumerate(losses):
                if i != j:
                    _count(self.look_ahead, f"{first}|{second}", float(ahead_KK[i, j]))
                if i < j:
                    _count(self.cosine, "|".join(sorted((first, second))), float(cosine_KK[i, j]))

    def cosines(self, heads: Sequence[str]) -> list[list[float | None]]:
        """The mean cosine of each two heads; None where no measured step drew both."""
        return [
            [1.0 if i == j else _mean(self.cosine, "|".join(sorted((i, j)))) for j in heads] for i in heads
        ]

    def look_aheads(self, heads: Sequence[str]) -> list[list[float | None]]:
        """The mean of Z_ij, in row i and column j; None on the diagonal and where nothing was measured."""
        return [[None if i == j else _mean(self.look_ahead, f"{i}|{j}") for j in heads] for i in heads]

    def state(self) -> Measured:
        """For a checkpoint: JSON, which keeps floats exactly."""
        return {"cosine": self.cosine, "look_ahead": self.look_ahead}

    def restore(self, state: Measured) -> None:
        """Go on from a checkpoint's `state`."""
        self.cosine, self.look_ahead = dict(state["cosine"]), dict(state["look_ahead"])


def cosines(gramian_KK: np.ndarray) -> np.ndarray:
    """cosine_KK of the gradients; 0 with a gradient that is zero."""
    norms_K = np.sqrt(np.diag(gramian_KK))
    scale_KK = np.outer(norms_K, norms_K)
    cosine_KK = np.zeros_like(gramian_KK)
    np.divide(gramian_KK, scale_KK, out=cosine_KK, where=scale_KK > 0)
    return cosine_KK


@torch.no_grad()
def look_ahead(
    backward: StepBackward, gradients: TaskGradients, rate_of: Mapping[torch.Tensor, float]
) -> np.ndarray:
    """Z_KK from the gradients of the step's tasks; the encoder is put back bit for bit."""
    heads, shared = gradients.heads, gradients.shared
    before = backward.losses()
    kept = [parameter.clone() for parameter in shared]
    ahead_KK = np.zeros((len(heads), len(heads)))
    for i, head in enumerate(heads):
        alone = {other: float(other == head) for other in heads}
        gradients.apply(alone, alone)
        for parameter in shared:
            if parameter.grad is not None:
                parameter.sub_(parameter.grad, alpha=rate_of[parameter])
        after = backward.losses()
        for parameter, value in zip(shared, kept, strict=True):
            parameter.copy_(value)
        ahead_KK[i] = [_relative_fall(before[other], after[other]) for other in heads]
    return ahead_KK


def rates(optimiser: torch.optim.Optimizer) -> dict[torch.Tensor, float]:
    """The learning rate of every parameter as it is now."""
    return {parameter: group["lr"] for group in optimiser.param_groups for parameter in group["params"]}


def _relative_fall(before: float, after: float) -> float:
    return 1 - after / before if before > 0 else math.nan


def _count(means: Means, pair: str, value: float) -> None:
    if math.isfinite(value):
        mean = means.setdefault(pair, [0, 0.0])
        mean[0] += 1
        mean[1] += (value - mean[1]) / mean[0]


def _mean(means: Means, pair: str) -> float | None:
    return means[pair][1] if pair in means else None
