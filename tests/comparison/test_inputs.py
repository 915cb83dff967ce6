"""Whether a comparison is of the model that is here, by dvc.lock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.comparison import inputs


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
            "outs": of({inputs.JOINT: "j"}),
        },
        "comparison@seeds": {
            "deps": of({inputs.JOINT: changed.get("joint", "j")}),
            "outs": of({"reports/sharing.json": "s"}),
        },
    }


def is_the_models(root: Path, stages: dict[str, Any]) -> bool:
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    return inputs.are_the_models(root)


def test_a_comparison_of_the_same_rows_encoder_plan_and_settings_is_of_this_model(tmp_path: Path) -> None:
    assert is_the_models(tmp_path, lock())


@pytest.mark.parametrize("changed", ["encoded", "models/encoder", "reports/plan.json", "training", "joint"])
def test_one_that_has_read_anything_else_is_not(tmp_path: Path, changed: str) -> None:
    assert not is_the_models(tmp_path, lock(**{changed: "another"}))


@pytest.mark.parametrize("stage", ["train", "joint@seeds", "comparison@seeds"])
def test_one_of_which_dvc_knows_nothing_is_not(tmp_path: Path, stage: str) -> None:
    assert not is_the_models(tmp_path, {name: one for name, one in lock().items() if name != stage})
    (tmp_path / "dvc.lock").unlink()
    assert not inputs.are_the_models(tmp_path)
