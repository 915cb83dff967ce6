"""`onetrunk check` says what each task gets and how long it takes, and names the lines to change."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from components import params
from components.data.contract.beginning import BEGINNING, START, Beginning
from components.data.mixture import outlook
from components.data.mixture.records import PLAN, PlanRecord
from components.training.run import speed
from components.training.run.speed import Speed
from flows.running import budget
from tests.training.runs import shorten


def said(measure: bool = False) -> str:
    console = Console(file=io.StringIO(), width=200, highlight=False)
    budget.show(console, Path(), measure)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.usefixtures("encoded_project")
def test_every_task_gets_a_line_and_a_warning_names_the_line_of_its_key() -> None:
    text = PLAN.read_text()
    PLAN.write_text(re.sub(r'"epochs": [\d.]+', '"epochs": 0.2', text, count=1))
    lines = said().splitlines()
    for name in ("mood", "people", "closeness"):
        assert any(line.split()[:1] == [name] for line in lines)
    [warning] = [line for line in lines if line.startswith("warning: ")]
    number = int(re.findall(r"training\.tokens \(line (\d+)\)", warning)[0])
    assert Path("params.yaml").read_text().splitlines()[number - 1] == "  tokens: 12000"
    assert "training says after its first steps how long it takes" in lines[-1]


@pytest.mark.usefixtures("encoded_project")
def test_the_time_is_that_of_the_plans_steps_and_evaluations() -> None:
    """40 steps of about 300 tokens, evaluated every 10."""
    plan, key = PlanRecord.read(PLAN), speed.key(params.load(), Path())
    Speed(key=key, steps=5, seconds_per_token=0.02, seconds_per_evaluation=600).write(speed.FILE)
    assert plan.steps == 40
    assert "about 44 minutes on this machine, by timing 5 of them" in said()


@pytest.mark.usefixtures("encoded_project")
def test_what_is_known_of_a_run_beside_its_table_is_said_before_its_warnings() -> None:
    plan = PlanRecord.read(PLAN)
    mood = plan.tasks["mood"].model_copy(update={"epochs": 0.25, "new": 3})
    changes = {"keep": 0.2, "cooldown": 0.25, "tasks": {**plan.tasks, "mood": mood}}
    plan.model_copy(update=changes).write(PLAN)
    tokens = round(outlook.tokens_of(plan), -3)
    assert f"about {2 * tokens:,.0f} tokens would give each 0.5" in said()
    beginning = Beginning(encoder="0", training="0", champion="v1", release="v1", of_training=0.5)
    Path(START).mkdir(parents=True)
    beginning.write(START / BEGINNING)
    lines = said().splitlines()
    known = [
        "the mixture is dynamic: shares are those of the start",
        "the budget is auto: this is the most",
        "Training begins with the weights of v1 and gets 50% of the steps",
        "mood: 3 of ",
        "warning: most rows of these tasks are never read",
    ]
    places = [next(n for n, line in enumerate(lines) if line.startswith(start)) for start in known]
    assert places == sorted(places)
    assert f"about {4 * tokens:,.0f} tokens would give each 0.5" in lines[places[-1]]


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project", "forks")
def test_the_time_is_measured_once_and_kept_for_these_settings() -> None:
    assert re.search(
        r"40 steps, about 1[12],\d{3} tokens: about \d+ (seconds?|minutes?) on this machine", said(True)
    )
    kept = speed.FILE.read_bytes()
    assert "on this machine" in said()
    shorten(20)
    assert "20 steps" in said() and speed.FILE.read_bytes() == kept
    settings = Path("params.yaml")
    settings.write_text(settings.read_text().replace("dropout: 0.1", "dropout: 0.0"))
    assert "on this machine" not in said()
    assert not list(Path(".onetrunk").glob("checkpoints/*"))
