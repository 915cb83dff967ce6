"""The matrix products of inference by the faster of torch's two libraries on this processor.

Torch's linear layers in fp32 go to MKL, which on processors of other makers than its own uses half their
vector width. oneDNN does not, and can lay a weight out once instead of in every call; but it has no gradient
here. So it is for a model that only answers, and where a measurement says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import linear

from components.model import learning

LEAST = 2**16  # numbers of the largest weight: products with fewer are too short to be told apart by a clock
ROWS = 32  # tokens of the product that is timed: a short text
TRIES = 7  # of which the fastest counts
WORTH = 1.1  # times as fast, or the layers stay as they are
TOLERANCE = 1e-4  # of a product in fp32, by the largest
KINDS = (nn.Linear, learning.Linear)  # and no other: attention of torch's own reads the weight of one itself


class LaidOut(nn.Module):
    """A linear layer whose weight lies as oneDNN reads it: x_.I -> y_.O. It cannot be trained or saved.

    Its parts are named as a linear layer's are, since T5 asks a layer for the type of its weight.
    """

    def __init__(self, layer: nn.Linear, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.dtype = dtype
        self.weight = laid_out(layer.weight.detach().to(dtype))
        self.bias = None if layer.bias is None else layer.bias.detach().to(dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The products, computed in its own type and given back in that of `x`."""
        own = x.to(self.dtype)
        y: torch.Tensor = torch.ops.mkldnn._linear_pointwise(own, self.weight, self.bias, "none", [], "")
        return y.to(x.dtype)


def laid_out(weight_OI: torch.Tensor) -> torch.Tensor:
    """A layer's weight as oneDNN reads it."""
    weight: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight_OI, None)
    return weight


@torch.inference_mode()
def lay_out(model: nn.Module) -> bool:
    """Replace the model's linear layers where oneDNN is the faster on this machine; whether it was done.
    Small ones stay: their product takes less time than oneDNN needs to get ready for a number of tokens."""
    largest = max((layer for _, _, layer in _linear(model)), key=_size, default=None)
    if largest is None or _size(largest) < LEAST or not _faster(largest):
        return False
    replace(model, torch.float32)
    return True


def replace(model: nn.Module, dtype: torch.dtype) -> None:
    """Replace the model's linear layers by those that oneDNN computes in this type."""
    for parent, name, layer in _linear(model):
        setattr(parent, name, LaidOut(layer, dtype))


def _linear(model: nn.Module) -> list[tuple[nn.Module, str, nn.Linear]]:
    """(parent, name, layer) of the linear layers in fp32 on the host."""
    return [
        (parent, name, layer)
        for parent in model.modules()
        for name, layer in parent.named_children()
        if isinstance(layer, nn.Linear)
        and type(layer) in KINDS
        and layer.weight.dtype == torch.float32
        and _size(layer) >= LEAST
        and layer.weight.device.type == "cpu"
    ]


def _size(layer: nn.Linear) -> int:
    return layer.weight.numel()


def _faster(layer: nn.Linear) -> bool:
    """Whether oneDNN is there, agrees and is worth it, for this layer."""
    x = torch.randn(ROWS, layer.in_features)
    try:
        other = LaidOut(layer)
        expected, found = linear(x, layer.weight, layer.bias), other(x)
    except (RuntimeError, AttributeError, NotImplementedError):  # a build of torch without it
        return False
    if (found - expected).abs().max() > TOLERANCE * expected.abs().max():
        return False
    return fastest(lambda: linear(x, layer.weight, layer.bias)) > WORTH * fastest(lambda: other(x))


def fastest(product: Callable[[], torch.Tensor]) -> float:
    """Seconds of the fastest of some products, in this thread's own time."""
    times = []
    for _ in range(TRIES):
        start = time.thread_time()
        product()
        times.append(time.thread_time() - start)
    return min(times)
