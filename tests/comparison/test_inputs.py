"""Whether a comparison is of the model that is here, by dvc.lock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.comparison import inputs
from tests.comparison.locks import lock, write


def is_the_models(root: Path, stages: dict[str, Any]) -> bool:
    write(root, stages)
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
