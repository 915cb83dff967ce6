"""What the settings make of a plan that nobody would guess is said before it begins."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components import params
from components.data.mixture.records import PLAN, PlanRecord
from components.settings.training import Training
from components.training.run import beforehand, curve


@pytest.fixture
def settings(encoded_project: Path) -> tuple[PlanRecord, Training]:
    """Of 40 steps, evaluated every 10."""
    return PlanRecord.read(PLAN), params.load().training


def test_an_auto_budget_with_too_few_evaluations_to_end_is_warned_of(
    settings: tuple[PlanRecord, Training],
) -> None:
    plan, training = settings
    assert beforehand.warnings(plan, training) == []
    auto = plan.model_copy(update={"cooldown": 0.25})
    [warned] = beforehand.warnings(auto, training)
    assert f"takes {curve.SETTLED} scheduled evaluations" in warned.sentence
    assert "3 of them are before the rates fall" in warned.sentence
    assert warned.keys == ("training.evaluate_every", "training.budget")
    [often] = re.findall(r"training\.evaluate_every of (\d+) or less", warned.sentence)
    for every, warnings in ((int(often), 0), (int(often) + 1, 1)):
        more = training.model_copy(update={"evaluate_every": every})
        assert len(beforehand.warnings(auto, more)) == warnings
    [shortest] = beforehand.warnings(auto.model_copy(update={"steps": 4}), training)
    assert "none of them are" in shortest.sentence and "or less" not in shortest.sentence


def test_steps_that_are_shorter_than_a_row_are_warned_of(settings: tuple[PlanRecord, Training]) -> None:
    plan, training = settings
    [warned] = beforehand.warnings(plan.model_copy(update={"rows_per_step": 0.39}), training)
    assert warned.sentence.startswith("a step draws 0.39 rows on average")
    assert warned.keys == ("training.tokens_per_step",)
