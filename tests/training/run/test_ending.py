"""A training whose budget is `auto` ends once no task improves, and its rates fall before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components import params
from components.data.mixture import plan as planning
from components.data.mixture.draws import Plan, TaskPlan
from components.data.mixture.records import PLAN, PlanRecord
from components.files import read_json
from components.training.run import curve, ending, stopping
from components.training.run.fit import Fit, run
from components.training.run.state import Entry
from components.training.run.watcher import Watcher
from tests.training.runs import Stop, train

STEPS = 100
AUTO = Plan(STEPS, 4.0, 4, {"mood": TaskPlan(50, 1.0)}, cooldown=0.25)


def entries(scores: list[float]) -> list[Entry]:
    return [{"step": 10 * n, "validation": {"mood": value}} for n, value in enumerate(scores, 1)]  # type: ignore[typeddict-item,misc]


def rates(plan: Plan, history: list[Entry]) -> list[float]:
    training = params.load().training
    found = ending.ending(plan, training, history)
    return [found.factor(step, training) for step in range(found.end)]


@pytest.mark.usefixtures("shared_project")
def test_rates_stay_high_until_the_end_is_decided_and_then_fall_to_nothing() -> None:
    decided = rates(AUTO, [{**entries([0.5])[0], "step": 40, "settled": True}])
    assert len(decided) == 50
    assert set(decided[10:41]) == {1.0}
    assert np.all(np.diff(decided[40:]) < 0)
    assert decided[-1] == pytest.approx(0.1)
    never = rates(AUTO, entries([0.5]))
    assert len(never) == STEPS
    assert never[79] == 1.0 > never[81] > never[-1] == pytest.approx(0.05)


@pytest.mark.usefixtures("shared_project")
def test_the_rates_have_risen_by_the_first_evaluation_whatever_the_ceiling() -> None:
    """A warm-up is a part of the steps, and of an `auto` run nobody knows how many these are."""
    training = params.load().training.model_copy(update={"warmup": 0.5, "evaluate_every": 10})
    found = ending.ending(AUTO, training, [])
    assert [found.factor(step, training) for step in (4, 9, 10, 49)] == [0.5, 1.0, 1.0, 1.0]


@pytest.mark.usefixtures("shared_project")
def test_without_auto_the_rates_are_those_of_the_plans_steps() -> None:
    fixed = rates(replace(AUTO, cooldown=None), [])
    assert len(fixed) == STEPS
    assert fixed[5] == 1.0 > fixed[7]


def test_noise_ends_a_level_run_and_neither_ends_nor_prolongs_one_that_rises() -> None:
    """Of runs of 40 evaluations: those that are level end early, those that rise go on, in nearly every case."""
    random = np.random.default_rng(3)
    ends: dict[float, list[int]] = {0.0: [], 0.06: []}
    for height, found in ends.items():
        for _ in range(12):
            t = np.arange(1, 41) / 10
            scores = (0.8 - height * (t**-0.5 - 1) + 0.01 * random.standard_normal(40)).tolist()
            scores[0] = 0.5  # it has learnt
            settled = (n for n in range(7, 41, 3) if ending.settled(entries(scores[:n]), ["mood"]))
            found.append(next(settled, 40))
    assert np.median(ends[0.0]) <= 12
    assert np.median(ends[0.06]) >= 22


@pytest.mark.parametrize("noise", [0.005, 0.02])
def test_a_head_that_takes_off_late_is_waited_for(noise: float) -> None:
    """It stands at the share of the commonest class, and noise may look like a rise."""
    random, t = np.random.default_rng(0), np.arange(1, 16)
    ends = []
    for _ in range(20):
        scores = (0.44 + noise * random.standard_normal(len(t))).tolist()
        ends.append(any(ending.settled(entries(scores[:n]), ["mood"]) for n in range(7, len(t) + 1)))
    assert np.mean(ends) <= 0.1


def test_one_evaluation_without_a_gain_may_be_an_accident() -> None:
    level = 0.1 * np.log(8)
    scores = [*(0.1 * np.log(np.arange(1, 9))), *[level] * 32]
    gains = {
        n: curve.of_head(entries(scores[:n]), "mood", ending.AHEAD).improves is not False
        for n in range(7, 41)
    }
    first = next(n for n, gain in gains.items() if not gain)
    assert first > 7
    assert gains[first + 1] is False
    assert not ending.settled(entries(scores[:first]), ["mood"])
    assert ending.settled(entries(scores[: first + 1]), ["mood"])


def test_one_task_that_still_rises_is_enough() -> None:
    rising, level = (0.1 * np.log(np.arange(1, 11))).tolist(), [0.3, *[0.5] * 9]
    both = [
        {**one, "validation": {"mood": a, "topic": b}}
        for one, a, b in zip(entries(rising), rising, level, strict=True)
    ]
    assert ending.settled(both, ["topic"])  # type: ignore[arg-type]
    assert not ending.settled(both, ["mood", "topic"])  # type: ignore[arg-type]


@pytest.mark.usefixtures("encoded_project")
def test_a_task_that_has_stopped_keeps_no_run_going() -> None:
    project = params.load()
    settings = project.training.model_copy(update={"precision": "fp32"})
    project = project.model_copy(update={"training": settings})
    loop = Fit(project, Path(), PlanRecord.read(PLAN), project.seed).loop(Watcher())
    assert loop._heads_that_count() == ["mood", "size", "people", "closeness"]
    loop.now = stopping.with_stopped(loop.plan, [{"step": 8, "stopped": ["people"]}])  # type: ignore[typeddict-item]
    assert loop._heads_that_count() == ["mood", "size", "closeness"]
    tasks = {name: replace(task, auxiliary=name == "mood") for name, task in loop.now.tasks.items()}
    loop.now = replace(loop.now, tasks=tasks)
    assert loop._heads_that_count() == ["closeness"]
    loop.of_heads = {"mood": "mood"}  # an auxiliary task alone
    assert loop._heads_that_count() == ["mood"]


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_an_auto_run_ends_before_its_ceiling_and_a_resumed_one_ends_with_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Path("params.yaml")
    text = settings.read_text().replace("tokens: 12000", "budget: {method: auto, epochs: 9}")
    settings.write_text(text.replace("evaluate_every: 10", "evaluate_every: 2"))
    monkeypatch.setattr(
        ending, "settled", lambda so_far, heads: len(so_far) == 7
    )  # the rule has its own tests
    planning.plan(params.load(), Path("encoded"), {}).write(PLAN)
    expected = train()
    evaluations = expected[1]["evaluations"]
    falls = next(entry["step"] for entry in evaluations if entry["settled"])
    assert evaluations[-1]["step"] == -(-falls * 5 // 4) < read_json(PLAN)["steps"]
    assert falls == 14
    assert evaluations[-1]["learning_rate"] < 0.5 * evaluations[1]["learning_rate"]
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop(falls + 2))
    assert train() == expected
