"""Balancing: how a step's tasks are weighed against each other.

`weights/` and `combinations/` hold one file per method, found by its name: adding a method adds its
file and touches no other. `Balancer` composes one of each.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from components.settings.training import Balancing
from components.training.balancing.balancer import Balance, Balancer
from components.training.balancing.base import Combination, Fact, StepFacts, TaskFacts, Weighting

__all__ = [
    "Balance",
    "Balancer",
    "Combination",
    "Fact",
    "StepFacts",
    "TaskFacts",
    "Weighting",
    "build",
    "combination",
    "combination_names",
    "weighting",
    "weighting_names",
]


def build(settings: Balancing) -> Balancer:
    """The balancer that the settings describe."""
    weights, combined = settings.weights, settings.combination
    return Balancer(
        weighting(weights.method).model_validate(weights.options),
        combination(combined.method).model_validate(combined.options),
    )


def weighting_names() -> list[str]:
    """List the weightings, without importing them."""
    return _names("weights")


def combination_names() -> list[str]:
    """List the combinations, without importing them."""
    return _names("combinations")


def weighting(name: str) -> type[Weighting]:
    """The class of the weighting called `name` (KeyError where there is none)."""
    found: type[Weighting] = _method("weights", name)
    return found


def combination(name: str) -> type[Combination]:
    """The class of the combination called `name` (KeyError where there is none)."""
    found: type[Combination] = _method("combinations", name)
    return found


def _names(kind: str) -> list[str]:
    return sorted(f.stem for f in (Path(__file__).parent / kind).glob("*.py") if f.stem != "__init__")


def _method(kind: str, name: str) -> type:
    if name not in _names(kind):
        raise KeyError(name)
    found: type = importlib.import_module(f"components.training.balancing.{kind}.{name}").METHOD
    return found
