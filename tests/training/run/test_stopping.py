"""A task that no longer improves leaves; the others get what it would have had; the best steps are said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components import params
from components.data.batches.batching import step_rows
from components.data.mixture import schedules
from components.data.mixture.draws import Plan, TaskPlan, rows_before, share_at
from components.data.mixture.records import PLAN, PlanRecord
from components.files import read_json
from components.tracking.terminal import Terminal
from components.training.run.fit import Fit, run
from components.training.run.stopping import kept, sentence, stopped, with_stopped
from components.training.run.watcher import Watcher
from tests.training.runs import shorten

HEADS = {"mood": "mood", "size": "mood", "people": "people", "pairs": "pairs"}
STEPS, WINDOW = 40, 4


def record(**scores: list[float]) -> list[dict]:
    """Evaluations every 10 steps."""
    return [
        {
            "step": 10 * (n + 1),
            "score": float(np.mean(row)),
            "validation": dict(zip(scores, row, strict=True)),
        }
        for n, row in enumerate(zip(*scores.values(), strict=True))
    ]


def test_a_task_leaves_when_none_of_its_heads_has_improved_for_so_many_evaluations() -> None:
    history = record(
        mood=[0.1, 0.2, 0.2, 0.2],
        size=[0.5, 0.5, 0.4, 0.5],  # equal is no improvement; of the same rows, so it waits for mood
        people=[0.9, 0.8, 0.85, 0.7],
        pairs=[0.1, 0.2, 0.3, 0.4],
    )
    assert [stopped(history[:n], HEADS, 2) for n in (1, 2, 3)] == [[], [], ["people"]]
    history[2]["stopped"] = ["people"]
    assert stopped(history, HEADS, 2) == ["people", "mood"]


def test_a_task_that_has_left_stays_away_even_if_its_score_rises() -> None:
    history = record(people=[0.9, 0.8, 0.95], pairs=[0.1, 0.2, 0.3])
    history[1]["stopped"] = ["people"]
    assert stopped(history, {"people": "people", "pairs": "pairs"}, 1) == ["people"]


def test_one_task_stays_the_one_that_improved_last() -> None:
    history = record(people=[0.9, 0.8, 0.8], pairs=[0.1, 0.2, 0.1])
    assert stopped(history, {"people": "people", "pairs": "pairs"}, 1) == ["people"]
    assert stopped(record(people=[0.9, 0.8]), {"people": "people"}, 1) == []


def plan_of(over_steps: dict) -> Plan:
    parts = {name: one.total(STEPS) / STEPS for name, one in over_steps.items()}
    tasks = {name: TaskPlan(1000, parts[name], schedule=one) for name, one in over_steps.items()}
    return Plan(STEPS, 10.0, WINDOW, tasks)


START, END = {"mood": 0.2, "people": 0.5, "pairs": 0.3}, {"mood": 0.6, "people": 0.1, "pairs": 0.3}
SCHEDULES = {
    "constant": schedules.constant(START),
    "curriculum": schedules.curriculum(START, END, 5, 35),
    "alternating": schedules.alternating({"mood": 2, "people": 1, "pairs": 2}),
}
LEFT = [{"step": 10, "stopped": ["people"]}, {"step": 17, "stopped": ["people"]}, {"step": 21, "stopped": ["people", "mood"]}]  # fmt: skip


@pytest.mark.parametrize("name", SCHEDULES)
def test_from_the_next_window_on_the_others_share_the_budget(name: str) -> None:
    declared = plan_of(SCHEDULES[name])
    plan = with_stopped(declared, LEFT)
    for step in range(STEPS):
        shares = {task: share_at(plan, task, step) for task in plan.tasks}
        assert sum(shares.values()) == pytest.approx(1)
        assert (shares["people"] == pytest.approx(0)) == (
            step >= 12 or share_at(declared, "people", step) < 1e-9
        )
        if step < 12:
            assert shares == {task: share_at(declared, task, step) for task in plan.tasks}
        elif step < 24:  # by their shares of the run
            freed, own = share_at(declared, "people", step), plan.tasks["mood"].share
            part = own / (own + plan.tasks["pairs"].share)
            assert shares["mood"] == pytest.approx(share_at(declared, "mood", step) + part * freed)
        else:
            assert shares["pairs"] == pytest.approx(1)
    assert [plan.tasks[task].until for task in ("people", "mood", "pairs")] == [12, 24, None]


def test_what_was_drawn_before_is_drawn_again_and_no_draw_is_left_out() -> None:
    declared = plan_of(SCHEDULES["curriculum"])
    plan, lengths = with_stopped(declared, LEFT), {task: np.arange(1000) for task in START}
    for step in range(12):
        before, after = step_rows(declared, 3, step, lengths), step_rows(plan, 3, step, lengths)
        assert {task: rows.tolist() for task, rows in before.items()} == {
            task: rows.tolist() for task, rows in after.items()
        }
    pairs = [step_rows(plan, 3, step, lengths)["pairs"] for step in range(STEPS)]
    drawn = np.concatenate(pairs)
    assert len(drawn) == rows_before(plan, "pairs", STEPS) == len(set(drawn.tolist()))


def test_fifty_tasks_that_leave_one_by_one_cost_no_more_than_their_number() -> None:
    names = [f"task{number}" for number in range(50)]
    plan = plan_of(schedules.constant(dict.fromkeys(names, 1 / 50)))
    plan = with_stopped(plan, [{"step": n, "stopped": names[:n]} for n in range(1, 40)])
    assert share_at(plan, "task49", 39) == pytest.approx(share_at(plan, "task45", 39))
    assert sum(rows_before(plan, name, STEPS) for name in names) == pytest.approx(400, abs=50)


def test_the_kept_step_and_each_heads_own_best_are_said() -> None:
    history = record(mood=[0.5, 0.7, 0.6], people=[0.9, 0.8, 0.9])
    assert kept(history).model_dump() == {
        "step": 20,
        "score": 0.75,
        "error": None,
        "heads": {
            "mood": {"score": 0.7, "error": None, "best_score": 0.7, "best_step": 20},
            "people": {"score": 0.8, "error": None, "best_score": 0.9, "best_step": 10},
        },
    }
    assert sentence(history) == (
        "best at step 20, mean validation score 0.750: mood 0.700, people 0.800 (its best 0.900 at step 10)"
    )
    last = {"error": 0.01, "errors": {"mood": 0.02, "people": 0.015}}
    assert sentence([*history[:1], {**history[1], **last}]) == (
        "best at step 20, mean validation score 0.750 ± 0.010: mood 0.700 ± 0.020, people 0.800 ± 0.015 (its best "
        "0.900 at step 10) (± a standard error)"
    )


class Watch(Terminal):
    """Keeps the heads of every step."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: list[set[str]] = []

    def step(self, seen) -> None:
        self.heads.append(set(seen.losses))


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_a_run_goes_on_without_the_tasks_that_have_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    settings_file = Path("params.yaml")
    text = settings_file.read_text().replace("evaluate_every: 10", "evaluate_every: 6\n  task_patience: 1")
    settings_file.write_text(text)
    shorten(30)
    watch = Watch()
    run(params.load(), Path(), watch)
    report = read_json(Path("reports/training.json"))
    left = {task: entry["step"] for entry in reversed(report["evaluations"]) for task in entry["stopped"]}
    said = capsys.readouterr().err.replace("\n", " ")
    heads = {"mood": {"mood", "size"}, "people": {"people"}, "closeness": {"closeness"}}
    assert 0 < len(left) < 3
    for task, step in left.items():
        begin = -(-step // 4) * 4
        assert any(heads[task] & seen for seen in watch.heads[:begin])
        assert not any(heads[task] & seen for seen in watch.heads[begin:])
        assert f"step {step}: {task} stops (training.task_patience is 1)" in said
    assert all(watch.heads)
    assert report["kept"] == kept(report["evaluations"]).model_dump()


class Heard(Watcher):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.slow
def test_a_training_that_ends_before_its_budget_says_why(shared_project: Path, tmp_path: Path) -> None:
    """At rates that move nothing no evaluation is better than the first."""
    project = params.load(shared_project / "params.yaml")
    plan = PlanRecord.read(shared_project / PLAN).model_copy(update={"steps": 8})
    still = {"learning_rate": 1e-30, "head_learning_rate": 1e-30, "evaluate_every": 2, "patience": 2}
    own = project.model_copy(update={"training": project.training.model_copy(update=still)})
    watcher = Heard()
    _, history = Fit(own, shared_project, plan, 1, area=str(tmp_path)).train(watcher)
    assert [entry["step"] for entry in history] == [2, 4, 6]
    [said] = watcher.said
    assert said.startswith(
        "step 6: the mean score has not improved for 2 scheduled evaluations, so training ends"
    )
