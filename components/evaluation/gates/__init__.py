"""Further gates: what a release must show besides its tasks' metrics.

One file a gate here, found by its name: adding a gate adds its file and touches no other.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Mapping
from pathlib import Path

from components.evaluation.gates.asking import Models
from components.evaluation.gates.base import Case, FurtherGate
from components.evaluation.records import Finding
from components.files import MANIFEST, sha256
from components.settings.project import Project
from components.settings.section import Given

__all__ = ["Case", "FurtherGate", "Models", "build", "files", "find", "findings", "names", "of_model"]

NO_GATES = ("asking", "base", "measure", "moved_embeddings", "other_rows", "perturbations")


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


def of_model(project: Project, models: Models) -> list[Finding]:
    """What they find of the model as a whole."""
    every = build(project.evaluation.gates).values()
    return [finding for gate in every for finding in gate.of_model(project, models)]


def files(given: Mapping[str, Given], root: Path) -> dict[str, str]:
    """SHA-256 of whatever the gates of `evaluation.gates` read besides the tasks' rows, by path; of a folder
    that has a manifest, of that; empty where there is nothing."""
    paths = [path for gate in build(given).values() for path in gate.files()]
    return {str(path): _digest(root / path) for path in paths}


def _digest(path: Path) -> str:
    if path.is_dir():
        manifest = path / MANIFEST
        inside = [manifest] if manifest.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
        sums = {str(one.relative_to(path)): sha256(one) for one in inside}
        return hashlib.sha256(json.dumps(sums).encode()).hexdigest()
    return sha256(path) if path.is_file() else ""
