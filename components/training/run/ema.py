"""An exponential moving average of the weights."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel

from components.model.multitask import MultiTaskModel


def ema_model(model: MultiTaskModel, decay: float) -> AveragedModel:
    """A copy of the model, to be moved towards it after every step: a = d a + (1 - d) x (Polyak & Juditsky
    1992, in the exponential form of Tarvainen & Valpola 2017).

    d is min(decay, (1 + t) / (10 + t)) after t steps, as in TensorFlow's ExponentialMovingAverage, so
    that the average of a short run is not that of its beginning. Parameters that two modules share are
    averaged once.
    """

    def move(averages: Any, weights: Any, steps: torch.Tensor | int) -> None:
        done = int(steps)
        torch._foreach_lerp_(averages, weights, 1 - min(decay, (1 + done) / (10 + done)))

    return AveragedModel(model, multi_avg_fn=move)
