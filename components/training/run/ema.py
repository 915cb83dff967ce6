"""An exponential moving average of the weights."""

from __future__ import annotations

import torch
from torch.optim.swa_utils import AveragedModel

from components.model.multitask import MultiTaskModel


class MovingAverage(AveragedModel):
    """A copy of the model, to be moved towards it after every step: a = d a + (1 - d) x (Polyak & Juditsky
    1992, in the exponential form of Tarvainen & Valpola 2017).

    d is min(decay, (1 + t) / (10 + t)) after t steps, as in TensorFlow's ExponentialMovingAverage, so
    that the average of a short run is not that of its beginning. Parameters that two modules share are
    averaged once.

    torch's own takes t to the device and back at every step, and the host waits for both.
    """

    def __init__(self, model: MultiTaskModel, decay: float) -> None:
        super().__init__(model)
        self.decay = decay

    @torch.no_grad()
    def update_parameters(self, model: torch.nn.Module) -> None:
        """Move it; the first time it becomes the model."""
        done = int(self.n_averaged)  # on the host
        averages, weights = (list[torch.Tensor](one.parameters()) for one in (self.module, model))
        if done:
            torch._foreach_lerp_(averages, weights, 1 - min(self.decay, (1 + done) / (10 + done)))
        else:
            torch._foreach_copy_(averages, weights)
        for own, other in zip(self.module.buffers(), model.buffers(), strict=True):
            own.copy_(other)
        self.n_averaged += 1


def ema_model(model: MultiTaskModel, decay: float) -> AveragedModel:
    """The average of a model that has taken no step."""
    return MovingAverage(model, decay)
