"""Which way each task's gradient is found: all from one backward pass where the encoder allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType

import torch

from components.data.batches.tensors import Rows
from components.model.multitask import MultiTaskModel
from components.training.gradients.base import TaskGradients
from components.training.gradients.packed import GRADIENTS, PackedGradients


class SeparateGradients(TaskGradients):
    """A backward pass for every head: for encoders that cannot pack, or with modules of other kinds."""

    def __enter__(self) -> TaskGradients:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def backward(
        self, losses: Mapping[str, torch.Tensor], mask_BL: torch.Tensor, rows: Mapping[str, Rows]
    ) -> None:
        for head, loss in losses.items():
            own = list(self.model.heads[head].parameters())
            found = torch.autograd.grad(loss, [*self.shared, *own], retain_graph=True, allow_unused=True)
            for parameter, gradient in zip(self.shared, found, strict=False):
                if gradient is not None:
                    self._stacks[parameter][self.heads.index(head)] += gradient
            for parameter, gradient in zip(own, found[len(self.shared) :], strict=True):
                if gradient is not None:
                    parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient


def task_gradients(model: MultiTaskModel, heads: Sequence[str]) -> TaskGradients:
    """The cheapest exact way for this encoder, for a step with these heads."""
    known = all(
        type(module) in GRADIENTS or not any(p.requires_grad for p in module.parameters(recurse=False))
        for module in model.encoder.modules()
    )
    return (PackedGradients if model.packs and known else SeparateGradients)(model, heads)
