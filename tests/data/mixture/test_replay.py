"""A run that goes on from a release draws new rows more often, and the old ones all the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import params
from components.data.contract.beginning import Beginning
from components.data.encoding.split import EncodedSplit
from components.data.mixture import outlook, replay
from components.data.mixture import plan as planning
from components.data.mixture.draws import Plan, TaskPlan, draw
from components.settings.mixture import EasyFirst
from tests.data.mixture.drawn import ENCODED, draws

BEGINS = Beginning(encoder="e", release="v1.0.0", model="m", of_training=0.5, replay=0.5)


@given(new=st.integers(0, 5000), old=st.integers(0, 5000), share=st.floats(0.05, 1))
def test_old_rows_keep_their_share_and_no_row_is_drawn_too_often(new: int, old: int, share: float) -> None:
    times = replay.times(new, old, share)
    assert 1 <= times <= replay.MOST
    assert times == 1 or old / (old + times * new) >= share - 1e-9
    more = times + 1
    assert not (new and old) or more > replay.MOST or old / (old + more * new) < share + 1e-9


def test_an_epoch_has_an_old_row_once_and_a_new_one_as_often_as_the_plan_says() -> None:
    own = TaskPlan(100, 1.0, [3, 9, 50], repeated=np.array([40, 41, 99]), times=4)
    plan = Plan(50, 10.0, 4, {"t": own})
    for epoch in range(3):
        found = Counter(draw(plan, "t", 7, epoch * own.places, (epoch + 1) * own.places).tolist())
        assert found == {row: 4 if row in (40, 41, 99) else 1 for row in range(100) if row not in (3, 9, 50)}


@pytest.mark.usefixtures("encoded_project")
def test_a_warm_start_draws_what_its_plan_counts_in_its_part_of_the_steps() -> None:
    project = params.load()
    scratch = planning.plan(project, ENCODED, {})
    easy = project.mixture.model_copy(update={"easy_first": {"people": EasyFirst(by="length", until=1)}})
    new = {"mood": [5, 3, 70], "people": [1, 2], "closeness": []}
    whole = planning.plan(
        project.model_copy(update={"mixture": easy}), ENCODED, {"mood": [first_id()]}, None, BEGINS, new
    )
    assert whole.steps == round(scratch.steps / 2)
    _, splits, steps = draws(whole)
    for name, task in whole.tasks.items():
        rows = np.concatenate([step[name] for step in steps if name in step])
        assert len(rows) == task.rows_drawn
        assert task.epochs == pytest.approx(len(rows) / task.places)
        assert splits[name].tokens[rows].mean() == pytest.approx(task.mean_tokens, rel=0.1)
    mood = whole.tasks["mood"]
    assert (mood.new, mood.repeated, mood.times) == (3, [3, 5, 70], 8)
    assert mood.places == len(splits["mood"]) - 1 + 7 * 3
    drawn = Counter(np.concatenate([step["mood"] for step in steps if "mood" in step]).tolist())
    assert drawn[3] > 3 * np.median([count for row, count in drawn.items() if row not in mood.repeated])
    closeness = whole.tasks["closeness"]
    assert (closeness.times, closeness.mean_tokens) == (1, scratch.tasks["closeness"].mean_tokens)
    said = outlook.replayed(whole)
    assert said[0].startswith(
        f"mood: 3 of {mood.usable} rows are new and drawn 8 times as often as the others; "
    )
    assert len(said) == 2


def first_id() -> str:
    return EncodedSplit(Path(ENCODED, "mood/train.arrow")).ids()[0]


@pytest.mark.usefixtures("encoded_project")
def test_a_task_whose_rows_are_all_new_has_nothing_to_repeat() -> None:
    everything = {"mood": list(range(len(EncodedSplit(ENCODED / "mood/train.arrow"))))}
    whole = planning.plan(params.load(), ENCODED, {}, None, BEGINS, everything)
    assert (whole.tasks["mood"].times, whole.tasks["mood"].repeated) == (1, [])
    assert outlook.replayed(whole) == [f"mood: all {whole.tasks['mood'].usable} rows are new"]
