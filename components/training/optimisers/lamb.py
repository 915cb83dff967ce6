"""LAMB: Adam whose step is as long, for each tensor, as the tensor's own norm; for very large batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from components.training.optimisers.base import Decay, Group
from components.training.optimisers.by_parameter import ByRule

if TYPE_CHECKING:
    import torch


class Lamb(ByRule):
    """You et al. 2020, "Large batch optimization for deep learning: training BERT in 76 minutes",
    algorithm 2, with phi the identity and a layer being a tensor:

    m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2, both divided by 1 - b^t; r = m / (sqrt(v) + epsilon);
    x = x - rate |x| / |r + decay x| (r + decay x), the ratio being 1 where one of the norms is 0.

    As in the authors' code, biases and normalisation weights have neither weight decay nor ratio.
    """

    beta1: Decay = 0.9  # decay of the mean of gradients
    beta2: Decay = 0.999  # decay of the mean of their squares
    epsilon: Annotated[float, Field(gt=0)] = 1e-6  # keeps the root of the squares from dividing by 0

    def move(
        self,
        parameter: torch.Tensor,
        gradient: torch.Tensor,
        state: dict[str, torch.Tensor],
        group: Group,
    ) -> None:
        from components.training.optimisers.parameter_wise import ratio

        if not state:
            state["step"] = parameter.new_zeros(())
            state["mean"], state["square"] = (parameter.new_zeros(parameter.shape) for _ in range(2))
        mean, square = state["mean"], state["square"]
        step = state["step"].add_(1).double()  # in single precision 1 - b^t is off by 1e-4 at first
        mean.lerp_(gradient, 1 - self.beta1)
        square.mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        root = (square / (1 - self.beta2**step)).sqrt_()
        update = (mean / (1 - self.beta1**step)).div_(root.add_(self.epsilon))
        update.add_(parameter, alpha=group["weight_decay"])
        if group["layer_adaptation"]:
            update.mul_(ratio(parameter.norm(), update.norm()))
        parameter.sub_(update, alpha=group["lr"])


METHOD = Lamb
