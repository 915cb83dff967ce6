"""What a combination makes of the tasks weighs the encoder alone: a head's loss counts one thing for the
head and another for the encoder."""

from __future__ import annotations

import functools
from typing import Any, Self

import torch
from torch import nn

from components.model.multitask import MultiTaskModel
from components.training.gradients.pausing import Pausable


class EncoderScaling(Pausable):
    """Multiplies the gradients that go from a head into the encoder by the head's factor, where it has one.

    A context: forward passes are to run within it; a factor is read when their backward passes run.
    """

    def __init__(self, model: MultiTaskModel) -> None:
        self.model = model
        self.factors: dict[str, float] = {}

    def __enter__(self) -> Self:
        self.factors.clear()
        self._hooks = [
            head.register_forward_pre_hook(functools.partial(self._watch, name))
            for name, head in self.model.heads.items()
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _watch(self, name: str, head: nn.Module, inputs: tuple[Any, ...]) -> None:
        states: torch.Tensor = inputs[0]
        if states.requires_grad and not self._paused:
            states.register_hook(
                lambda gradient: gradient * self.factors[name] if name in self.factors else None
            )
