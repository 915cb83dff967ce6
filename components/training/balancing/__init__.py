"""Balancing: how a step's tasks are weighed against each other.

`weights/` and `combinations/` hold one file per method: adding a method adds its file and touches no
other. `Balancer` composes one of each.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Mapping
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


def build(settings: Balancing, steps: int = sys.maxsize) -> Balancer:
    """The balancer that the settings describe, of a run of so many steps."""
    weights, combined = settings.weights, settings.combination
    return Balancer(
        weighting(weights.method).model_validate(weights.options).of_run(steps),
        combination(combined.method).model_validate(combined.options),
    )


def weighting_names() -> list[str]:
    """List the weightings."""
    return sorted(_methods("weights"))


def combination_names() -> list[str]:
    """List the combinations."""
    return sorted(_methods("combinations"))


def weighting(name: str) -> type[Weighting]:
    """The class of the weighting called `name` (KeyError where there is none)."""
    found: type[Weighting] = _methods("weights")[name]
    return found


def combination(name: str) -> type[Combination]:
    """The class of the combination called `name` (KeyError where there is none)."""
    found: type[Combination] = _methods("combinations")[name]
    return found


@functools.cache
def _methods(kind: str) -> Mapping[str, type]:
    """The classes in the folder `kind`, by the names that params.yaml has for them."""
    stems = sorted(file.stem for file in (Path(__file__).parent / kind).glob("*.py"))
    modules = {
        stem: importlib.import_module(f"{__name__}.{kind}.{stem}") for stem in stems if stem != "__init__"
    }
    return {module.METHOD.name or stem: module.METHOD for stem, module in modules.items()}
