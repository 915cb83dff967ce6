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

ROWS = 32  # tokens of the product that is timed: a short text
TRIES = 7  # of which the fastest counts
WORTH = 1.1  # times as fast, or the layers stay as they are
TOLERANCE = 1e-4  # of a product in fp32, by the largest


class LaidOut(nn.Module):
    """A linear layer whose weight lies as oneDNN reads it: x_.I -> y_.O. It cannot be trained or saved.

    Its parts are named as a linear layer's are, since T5 asks a layer for the type of its weight.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), None)
        self.bias = None if layer.bias is None else layer.bias.detach()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The products, in fp32."""
        y: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
        return y


@torch.inference_mode()
def lay_out(model: nn.Module) -> bool:
    """Replace the model's linear layers where oneDNN is the faster on this machine; whether it was done."""
    layers = {
        (parent, name): layer
        for parent in model.modules()
        for name, layer in parent.named_children()
        if type(layer) is nn.Linear
        and layer.weight.dtype == torch.float32
        and layer.weight.device.type == "cpu"
    }
    if not layers or not _faster(max(layers.values(), key=lambda layer: layer.weight.numel())):
        return False
    for (parent, name), layer in layers.items():
        setattr(parent, name, LaidOut(layer))
    return True


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
    return _seconds(lambda: linear(x, layer.weight, layer.bias)) > WORTH * _seconds(lambda: other(x))


def _seconds(product: Callable[[], torch.Tensor]) -> float:
    """Of the fastest of some products, in this thread's own time."""
    times = []
    for _ in range(TRIES):
        start = time.thread_time()
        product()
        times.append(time.thread_time() - start)
    return min(times)
