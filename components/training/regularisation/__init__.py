"""Regularisation: what is added to the tasks' losses so that they do not fit noise.

One file per method here, found by its name: adding a method adds its file and touches no other.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from components.settings.training import Method
from components.training.regularisation.base import Regulariser

__all__ = ["Regulariser", "build", "find", "names"]


def build(methods: Sequence[Method]) -> list[Regulariser]:
    """The regularisers that the settings list, in their order."""
    return [find(method.method).model_validate(method.options) for method in methods]


def names() -> list[str]:
    """List the methods, without importing them."""
    return sorted({path.stem for path in Path(__file__).parent.glob("*.py")} - {"__init__", "base"})


def find(name: str) -> type[Regulariser]:
    """The class of the method called `name` (KeyError where there is none)."""
    if name not in names():
        raise KeyError(name)
    found: type[Regulariser] = importlib.import_module(f"components.training.regularisation.{name}").METHOD
    return found
