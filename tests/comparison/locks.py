"""dvc.lock of projects that have compared joint training with each task alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from components.comparison.inputs import JOINT


def lock(**changed: str) -> dict[str, Any]:
    """Stages of a project that has compared; `changed` are hashes or settings of the joint runs."""

    def of(hashes: dict[str, str]) -> list[dict[str, str]]:
        return [{"path": path, "md5": md5} for path, md5 in hashes.items()]

    read = {"encoded": "e", "models/encoder": "m", "reports/plan.json": "p"}
    given = {"model": {"dropout": 0.0}, "training": {"tokens": 9}}
    joint_read = {path: changed.get(path, md5) for path, md5 in read.items()}
    joint_given = {**given, "training": {"tokens": 7}} if "training" in changed else given
    settings = {"sharing": {"seeds": [1]}, **joint_given}
    return {
        "train": {"deps": of(read), "params": {"params.yaml": given}, "outs": of({"models/multitask": "w"})},
        "joint@seeds": {
            "deps": of({"data": "d", **joint_read}),
            "params": {"params.yaml": settings},
            "outs": of({JOINT: "j"}),
        },
        "comparison@seeds": {
            "deps": of({JOINT: changed.get("joint", "j")}),
            "outs": of({"reports/sharing.json": "s"}),
        },
    }


def write(root: Path, stages: dict[str, Any]) -> None:
    """As DVC does."""
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
