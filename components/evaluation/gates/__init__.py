"""Further gates: what a release must show besides its tasks' metrics.

One file a gate here, found by its name: adding a gate adds its file and touches no other.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from components.evaluation.gates.asking import Models
from components.evaluation.gates.base import Case, FurtherGate
from components.evaluation.records import Finding
from components.settings.section import Given

__all__ = ["Case", "FurtherGate", "Models", "build", "find", "findings", "names"]

NO_GATES = ("asking", "base", "measure", "perturbations")


def names() -> list[str]:
    """List the gates, without importing them."""
    return sorted({module.name for module in pkgutil.iter_modules(__path__)} - set(NO_GATES))


def find(name: str) -> type[FurtherGate]:
    """The class of the gate called `name` (KeyError where there is none)."""
    if name not in names():
        raise KeyError(name)
    found: type[FurtherGate] = importlib.import_module(f"components.evaluation.gates.{name}").GATE
    return found


def build(given: Mapping[str, Given]) -> dict[str, FurtherGate]:
    """The gates of `evaluation.gates`, by name, in their order there."""
    return {name: find(name).model_validate(options) for name, options in given.items()}


def findings(given: Mapping[str, Given], case: Case) -> list[Finding]:
    """What the gates of `evaluation.gates` find of a head."""
    return [finding for gate in build(given).values() for finding in gate.findings(case)]
