"""Optimisers: how a step's gradients move the weights.

One file per method, found by its name, with a class called METHOD: adding a method adds its file and
touches no other. None imports torch before it builds, since params.yaml is checked without it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from components.settings.training import Method
from components.training.optimisers.base import Groups, Optimiser

if TYPE_CHECKING:
    import torch

__all__ = ["Groups", "Optimiser", "build", "names", "optimiser"]


def build(chosen: Method, groups: Groups) -> torch.optim.Optimizer:
    """The optimiser that the settings describe, over `groups` of parameters."""
    return optimiser(chosen.method).model_validate(chosen.options).build(groups)


def names() -> list[str]:
    """List the methods, without importing them."""
    others = ("__init__", "base", "by_parameter", "parameter_wise")
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if file.stem not in others)


def optimiser(name: str) -> type[Optimiser]:
    """The class of the method called `name` (KeyError where there is none)."""
    if name not in names():
        raise KeyError(name)
    found: type[Optimiser] = importlib.import_module(f"components.training.optimisers.{name}").METHOD
    return found
