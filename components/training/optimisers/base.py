"""What an optimiser must offer."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import torch

Group = dict[str, Any]  # of parameters and their settings, as torch has it
Groups = list[Group]
Decay = Annotated[float, Field(ge=0, lt=1)]  # what a running mean keeps of itself at each step


class Optimiser(BaseModel, abc.ABC):
    """A method; its fields are the options that a user may set beside its name."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @abc.abstractmethod
    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """The optimiser of torch's kind over `groups`.

        Each group holds `params`, `lr` (changed at every step), `weight_decay`, and `layer_adaptation`:
        may a method that scales the rate by a tensor's norm do so here? All that is remembered must be
        tensors in `state[parameter]`, on the parameter's device, and none of a parameter whose gradient
        is None may change: checkpoints keep nothing else, and an absent task's head is not to move.
        """
