"""Budgets: how much a training reads, told in whatever a person thinks in.

One file per rule, found by its name, with a class called METHOD: adding a rule adds its file and touches no
other.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from components.data.mixture.budgets.base import Asked, Budget
from components.settings.training import Method

__all__ = ["Asked", "Budget", "build", "find", "names"]


def build(chosen: Method) -> Budget:
    """The rule that the settings describe."""
    return find(chosen.method).model_validate(chosen.options)


def names() -> list[str]:
    """List the rules, without importing them."""
    files = Path(__file__).parent.glob("*.py")
    return sorted(file.stem for file in files if file.stem not in ("__init__", "base"))


def find(name: str) -> type[Budget]:
    """The class of the rule called `name` (KeyError where there is none)."""
    if name not in names():
        raise KeyError(name)
    found: type[Budget] = importlib.import_module(f"components.data.mixture.budgets.{name}").METHOD
    return found
