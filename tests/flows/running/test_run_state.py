"""What a run's record says outlives the runs that did not complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.monitoring.retraining import BEGAN
from flows.running import dvc_stage, run_state

FAILED = {"train": "no room"}


@pytest.mark.parametrize("ends", [False, True], ids=["killed", "failed"])
def test_the_order_of_the_lock_is_that_before_the_first_run_that_did_not_complete(
    tmp_path: Path, ends: bool
) -> None:
    """Else dvc.lock would keep the order in which the stages of a disturbed run happened to end."""
    assert run_state.begin(tmp_path, None, ["a"]) == ["a"]
    if ends:
        run_state.fail(tmp_path, None, FAILED, [], users_mistake=False)
    assert run_state.begin(tmp_path, None, ["a", "c", "b"]) == ["a"]
    run_state.complete(tmp_path, None)
    assert run_state.begin(tmp_path, None, ["a", "b", "c"]) == ["a", "b", "c"]


def test_a_torn_record_is_as_none(tmp_path: Path) -> None:
    (tmp_path / ".onetrunk").mkdir()
    (tmp_path / ".onetrunk/run.json").write_text('{"state": "runn')
    assert run_state.last(tmp_path) is None
    assert run_state.begin(tmp_path, None, []) == []


def test_stages_are_told_when_their_run_began(tmp_path: Path) -> None:
    began = run_state.started(tmp_path)
    assert dvc_stage.environment(tmp_path)[BEGAN] == began
    run_state.begin(tmp_path, None, [])
    assert dvc_stage.environment(tmp_path)[BEGAN] == began
