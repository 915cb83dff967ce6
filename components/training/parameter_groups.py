"""Which parameters share a learning rate and a weight decay."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from components.model.blocks import blocks
from components.model.multitask import MultiTaskModel
from components.settings.training import Training
from components.training.optimisers import Groups


def parameter_groups(model: MultiTaskModel, training: Training) -> Groups:
    """Every parameter once, also one that two modules share, in groups of equal rate and decay.

    The encoder has `learning_rate` times `layer_decay` to the power of the parameter's depth, and
    `start_decay`; the heads have their own rate. Biases and normalisation weights, all that are no
    matrices, have no weight decay, and LAMB and LARS do not scale their rates.
    """
    depth = depths(model.encoder)
    found: dict[tuple[float, float, bool], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        rate, back = training.head_learning_rate, 0.0
        if parameter in depth:
            rate = training.learning_rate * training.layer_decay ** depth[parameter]
            back = training.start_decay
        found.setdefault((rate, back, parameter.ndim >= 2), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": rate,
            "base_lr": rate,
            "weight_decay": training.weight_decay if matrices else 0.0,
            "start_decay": back,
            "layer_adaptation": matrices,
        }
        for (rate, back, matrices), parameters in found.items()
    ]


def depths(encoder: nn.Module) -> Mapping[nn.Parameter, int]:
    """How far below the top each parameter is: 0 in the last of N blocks and above it, N - 1 in the first,
    N before the blocks and in all embeddings outside them (Howard & Ruder 2018, section 3.2).
    """
    found: dict[nn.Parameter, int] = {}
    stack = blocks(encoder)
    for below, block in enumerate(reversed(stack)):
        for parameter in block.parameters():
            found.setdefault(parameter, below)
    embeddings = {p for m in encoder.modules() if isinstance(m, nn.Embedding) for p in m.parameters()}
    met = False
    for parameter in encoder.parameters():
        met = met or parameter in found
        above = met and parameter not in embeddings
        found.setdefault(parameter, 0 if above else len(stack))
    return found
