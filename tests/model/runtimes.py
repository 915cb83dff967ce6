"""A model for runtimes to compute, and the runtimes that are here."""

from __future__ import annotations

import importlib.util

import pytest
import torch
from torch import nn

from components.model import runtimes
from components.model.multitask import MultiTaskConfig, MultiTaskModel
from tests.model.encoders import DEBERTA, PACKABLE


def build(kind: str = "bert") -> MultiTaskModel:
    """A model without heads on a random encoder whose tokens matter to each other."""
    torch.manual_seed(1)
    config = {**PACKABLE, "deberta": DEBERTA}[kind]
    model = MultiTaskModel(MultiTaskConfig(encoder=config.to_dict(), tasks={}))
    model.eval()
    for parameter in model.encoder.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.2)
    model.choose_packing()
    return model


def runtime_here(name: str) -> runtimes.Runtime:
    runtime = runtimes.find(name)
    for package in (*runtime.packages, *runtime.makers):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install 'onetrunk[{runtime.extra}]'")
    if (why := runtimes.why_not(runtime)) is not None:
        pytest.skip(why)
    return runtime
