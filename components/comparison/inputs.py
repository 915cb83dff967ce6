"""What a comparison was made of: the same as the model, or an earlier state of the project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.comparison.records import REPORT

LOCK = Path("dvc.lock")
READ = ("encoded", "models/encoder", "reports/plan.json")  # by the trainings of both
SETTINGS = ("model", "training")  # sections of params.yaml, likewise
JOINT = "reports/sharing/joint.json"
Stage = Mapping[str, Any]  # as dvc.lock has it


def are_the_models(root: Path) -> bool:
    """Tell whether the last comparison has trained on what the model was trained on, with the same settings.

    dvc.lock says it, which has the hashes of what each stage has read and written. A comparison of which it
    knows nothing is of an earlier state.
    """
    made = _stages(root / LOCK)
    trained, joint, compared = (_that_makes(made, out) for out in ("models/multitask", JOINT, str(REPORT)))
    if trained is None or joint is None or compared is None:
        return False
    read = all(_hash(trained, "deps", path) == _hash(joint, "deps", path) for path in READ)
    set_ = all(_section(trained, name) == _section(joint, name) for name in SETTINGS)
    return read and set_ and _hash(compared, "deps", JOINT) == _hash(joint, "outs", JOINT)


def _stages(lock: Path) -> list[Stage]:
    known = yaml.safe_load(lock.read_bytes()) if lock.is_file() else {}
    return list(known.get("stages", {}).values())


def _that_makes(stages: list[Stage], out: str) -> Stage | None:
    return next((stage for stage in stages if _hash(stage, "outs", out) is not None), None)


def _hash(stage: Stage, side: str, path: str) -> str | None:
    """Of an input ("deps") or an output ("outs") of a stage; None where it has no such."""
    return next((one.get("md5") for one in stage.get(side, ()) if one["path"] == path), None)


def _section(stage: Stage, name: str) -> object:
    return stage.get("params", {}).get("params.yaml", {}).get(name)
