"""Linear layers that learn in single precision by the faster of torch's two libraries.

Torch's products in fp32 go to MKL, which holds back on processors of other makers than its own. On AMD's,
oneDNN takes a tenth less time for the two products with a weight, forward and of the input's gradient; of the
weight's own gradient it is no faster, and in bf16 all products are oneDNN's already. Which library is used
follows from the processor's maker and not from a clock, so a run that is broken off and goes on has one
arithmetic.

Legend: I inputs and O outputs of a layer.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from components import processor


class Linear(nn.Linear):
    """torch's, but for the library that it learns by in fp32 on a CPU."""

    @classmethod
    def of(cls, layer: nn.Linear) -> Linear:
        """The same layer, with the same parameters."""
        made = cls(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
        made.weight, made.bias = layer.weight, layer.bias
        return made.train(layer.training)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 torch's name of it
        learns = self.training and torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")
        single = input.dtype == self.weight.dtype == torch.float32
        if not (learns and single and input.device.type == "cpu"):
            return super().forward(input)
        found: torch.Tensor = _Products.apply(input, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return found


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, given: torch.Tensor, weight_OI: torch.Tensor, bias_O: torch.Tensor | None
    ) -> torch.Tensor:
        ctx.save_for_backward(given, weight_OI)
        return _product(given, weight_OI, bias_O)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        given, weight_OI = ctx.saved_tensors
        of_given, of_weight, of_bias = ctx.needs_input_grad
        flat_TO, flat_TI = (one.reshape(-1, one.shape[-1]) for one in (gradient, given))
        return (
            _product(gradient, weight_OI.T, None) if of_given else None,
            flat_TO.T @ flat_TI if of_weight else None,
            flat_TO.sum(0) if of_bias else None,
        )


def _product(given: torch.Tensor, weight_OI: torch.Tensor, bias_O: torch.Tensor | None) -> torch.Tensor:
    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(given, weight_OI, bias_O, "none", [], "")
    return found


@functools.cache
def gains() -> bool:
    """Whether oneDNN is there and this processor gains by it."""
    return torch.backends.mkldnn.is_available() and processor.model_name().startswith("AMD")


def quicken(module: nn.Module) -> None:
    """Put our Linear in place of torch's in all of a module, where that gains."""
    if not gains():
        return
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Linear:
                setattr(parent, name, Linear.of(child))
