"""Tasks that cut the same texts at different lengths are said to cost a service further passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from components.data.encoding.split import EncodedSplit
from components.data.mixture import cuts
from components.data.mixture.outlook import Warned
from components.data.mixture.records import PLAN, PlanRecord
from tests.conftest import encode_project

ENCODED = Path("encoded")


def cut_at(**lengths: int) -> list[Warned]:
    """What is said of the tiny project whose tasks are cut there."""
    settings = Path("params.yaml")
    project = yaml.safe_load(settings.read_text())
    for task, length in lengths.items():
        project["tasks"][task]["max_length"] = int(length)
    settings.write_text(yaml.safe_dump(project))
    encode_project(Path())
    return cuts.warnings(PlanRecord.read(PLAN), Path())


def lengths(task: str) -> np.ndarray:
    return EncodedSplit(ENCODED / task / "train.arrow").lengths.astype(int)


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_rows_beyond_a_shorter_cut_are_read_once_more_and_a_cut_row_at_each_longer_length() -> None:
    free_N = lengths("people")
    [warned] = cut_at(mood=9)
    assert "cut them at 9 and 32 tokens" in warned.sentence
    times = 1 + 9 * (free_N > 9).sum() / free_N.sum()
    assert times > cuts.NOTICED and f"{times:.1f} times the tokens of people" in warned.sentence
    cut_N = lengths("mood")
    times = 1 + 9 * (cut_N == 9).sum() / cut_N.sum()
    assert (f"{times:.1f} times the tokens of mood" in warned.sentence) == (times > cuts.NOTICED)
    assert ("tasks.mood.max_length" in warned.keys) == (times > cuts.NOTICED)


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_one_length_for_all_and_lengths_that_no_text_has_are_nothing_to_say() -> None:
    assert cuts.warnings(PlanRecord.read(PLAN), Path()) == []
    longest = max(lengths("mood").max(), lengths("people").max())
    assert cut_at(mood=longest + 1) == []


@pytest.mark.usefixtures("encoded_project")
def test_a_task_that_no_service_is_asked_costs_it_nothing() -> None:
    plan = PlanRecord.read(PLAN)
    alone = {name: task.model_copy(update={"auxiliary": name != "mood"}) for name, task in plan.tasks.items()}
    (ENCODED / "people/task.json").unlink()
    assert cuts.warnings(plan.model_copy(update={"tasks": alone}), Path()) == []
