"""LARS: SGD whose rate, for each tensor, goes with the norm of the tensor over that of its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from components.training.optimisers.base import Decay, Group
from components.training.optimisers.by_parameter import ByRule

if TYPE_CHECKING:
    import torch


class Lars(ByRule):
    """You et al. 2017, "Large batch training of convolutional networks", algorithm 1, a layer being a tensor:

    local = trust |x| / (|g| + decay |x|), 1 where one of these is 0; v = momentum v + rate local
    (g + decay x); x = x - v.

    As is usual since, biases and normalisation weights have neither weight decay nor a local rate.
    """

    momentum: Decay = 0.9  # decay of the sum of steps
    trust: Annotated[float, Field(gt=0)] = 1e-3  # the local rate where weights and gradient have one norm

    def move(
        self,
        parameter: torch.Tensor,
        gradient: torch.Tensor,
        state: dict[str, torch.Tensor],
        group: Group,
    ) -> None:
        from components.training.optimisers.parameter_wise import ratio

        if not state:
            state["velocity"] = parameter.new_zeros(parameter.shape)
        decay = group["weight_decay"]
        update = gradient.add(parameter, alpha=decay)
        if group["layer_adaptation"]:
            norm, slope = parameter.norm(), gradient.norm()
            update.mul_(ratio(self.trust * norm, slope + decay * norm))
        velocity = state["velocity"].mul_(self.momentum).add_(update, alpha=group["lr"])
        parameter.sub_(velocity)


METHOD = Lars
