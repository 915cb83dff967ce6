"""The budget in words says what the run gives each task, and warns of what nobody would guess."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from components import params
from components.data.encoding.scripts import Unfamiliar
from components.data.encoding.split import EncodedSplit
from components.data.mixture import outlook
from components.data.mixture import plan as planning
from components.data.mixture.records import PlannedTask, PlanRecord
from tests.data.mixture.drawn import ENCODED, draws


def planned(rows: int, drawn: int, tokens: float) -> PlannedTask:
    return PlannedTask(
        rows=rows,
        excluded=[],
        share=0.5,
        mean_tokens=tokens,
        stages=[],
        rows_drawn=drawn,
        epochs=drawn / rows,
    )


def plan_of(**tasks: PlannedTask) -> PlanRecord:
    return PlanRecord(steps=10, rows_per_step=10.0, window=4, keep=None, tasks=tasks)


@pytest.mark.usefixtures("encoded_project")
def test_what_is_said_is_what_the_run_draws() -> None:
    whole = planning.plan(params.load(), ENCODED, {})
    _, splits, steps = draws(whole)
    rows = {name: np.concatenate([step[name] for step in steps if name in step]) for name in whole.tasks}
    tokens = {name: int(splits[name].tokens[drawn].sum()) for name, drawn in rows.items()}
    for task in outlook.outlook(whole):
        assert task.plan.epochs == pytest.approx(len(rows[task.name]) / len(splits[task.name]))
        assert task.of_rows == pytest.approx(len(rows[task.name]) / sum(map(len, rows.values())))
        assert task.of_tokens == pytest.approx(tokens[task.name] / sum(tokens.values()), abs=0.02)
    assert outlook.tokens_of(whole) == pytest.approx(sum(tokens.values()), rel=0.03)


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_the_rows_that_are_cut_are_those_that_would_be_longer_without_a_limit() -> None:
    settings = Path("params.yaml")
    settings.write_text(settings.read_text().replace("max_length: 32", "max_length: 10"))
    from tests.conftest import encode_project

    free = EncodedSplit(ENCODED / "people/train.arrow").lengths
    encode_project(Path())
    whole = planning.plan(params.load(), ENCODED, {})
    assert 0 < whole.tasks["people"].cut < 1
    assert whole.tasks["people"].cut == pytest.approx((free > 10).mean())
    assert whole.tasks["mood"].cut == whole.tasks["mood"].unknown == 0


def test_a_task_with_less_than_half_an_epoch_is_warned_of_with_the_tokens_that_mend_it() -> None:
    plan = plan_of(few=planned(1000, 250, 10.0), some=planned(400, 200, 10.0))
    [warned] = outlook.warnings(plan)
    assert "few 0.25" in warned.sentence and "some" not in warned.sentence
    enough = int(re.findall(r"([\d,]+) tokens", warned.sentence)[0].replace(",", ""))
    assert enough / outlook.tokens_of(plan) * 0.25 == pytest.approx(0.5, abs=0.06)
    assert enough / outlook.tokens_of(plan) * 0.25 >= 0.5
    assert warned.sentence.endswith("2.0 times this budget")  # which may be of epochs or of minutes
    assert warned.keys == ("training.tokens", "training.budget")


def test_of_a_run_that_gets_a_part_of_the_budget_the_whole_budget_is_advised() -> None:
    plan = plan_of(few=planned(1000, 250, 10.0))
    [whole], [part] = outlook.warnings(plan), outlook.warnings(plan, of_training=0.25)
    assert "about 5,000 tokens" in whole.sentence
    assert "about 20,000 tokens" in part.sentence


def test_what_may_come_otherwise_than_planned_is_said() -> None:
    plan = plan_of(some=planned(1000, 500, 10.0))
    assert outlook.provisos(plan) == []
    [auto] = outlook.provisos(plan.model_copy(update={"cooldown": 0.25}))
    assert "this is the most" in auto
    [dynamic] = outlook.provisos(plan.model_copy(update={"keep": 0.2}))
    assert "those of the start" in dynamic


def test_a_task_whose_long_rows_take_the_others_tokens_is_warned_of() -> None:
    """Eight of ten rows have 20 tokens, two have 160: they take two thirds, and leave the others 42 %."""
    plan = plan_of(spam=planned(200, 200, 160.0), mood=planned(800, 800, 20.0))
    [warned] = outlook.warnings(plan)
    assert warned.sentence.startswith("spam has 20% of the rows and takes 67% of the tokens")
    assert "the others would get 2.4 times as many rows" in warned.sentence
    assert warned.keys == ("mixture", "tasks.spam.max_length")
    assert not outlook.warnings(plan_of(spam=planned(200, 200, 28.0), mood=planned(800, 800, 20.0)))


def test_tasks_that_halve_the_others_rows_are_warned_of_however_many_rows_they_have() -> None:
    [warned] = outlook.warnings(plan_of(spam=planned(600, 600, 80.0), mood=planned(400, 400, 20.0)))
    assert warned.sentence.startswith("spam has 60% of the rows and takes 86% of the tokens")
    assert "the others would get 2.8 times as many rows" in warned.sentence
    two = {name: planned(350, 350, length) for name, length in (("spam", 70.0), ("mail", 60.0))}
    [warned] = outlook.warnings(plan_of(mood=planned(300, 300, 15.0), **two))
    assert warned.sentence.startswith("spam and mail have 70% of the rows and take 91% of the tokens")
    assert "the others would get 3.3 times as many rows" in warned.sentence
    assert warned.keys == ("mixture", "tasks.spam.max_length", "tasks.mail.max_length")
    even = {name: planned(350, 350, length) for name, length in (("spam", 30.0), ("mail", 25.0))}
    assert not outlook.warnings(plan_of(mood=planned(300, 300, 15.0), **even))


def test_most_of_the_tasks_are_not_long_because_one_is_short() -> None:
    """As in the built-in project: all but one of six have 81 % of the rows and take 91 % of the tokens."""
    usual = dict(zip("abcde", (55.0, 52.0, 48.0, 45.0, 40.0), strict=True))
    tasks = {name: planned(160, 160, length) for name, length in usual.items()}
    assert not outlook.warnings(plan_of(ner=planned(190, 190, 21.0), **tasks))


def test_a_task_that_takes_thrice_its_share_is_warned_of_though_the_others_lose_little() -> None:
    [warned] = outlook.warnings(plan_of(spam=planned(100, 100, 80.0), mood=planned(900, 900, 20.0)))
    assert warned.sentence.startswith("spam has 10% of the rows and takes 31% of the tokens")
    assert "the others would get 1.3 times as many rows" in warned.sentence


def test_where_tokens_are_shared_no_task_takes_the_others() -> None:
    tasks = {"spam": planned(600, 600, 80.0), "mood": planned(400, 400, 20.0)}
    shared = {name: task.model_copy(update={"rows_per_step": 10.0}) for name, task in tasks.items()}
    assert not outlook.warnings(plan_of(**shared))


def test_a_small_task_of_long_rows_is_no_matter() -> None:
    """Twice its share of the tokens, and 5 % of all of them."""
    assert not outlook.warnings(plan_of(spam=planned(50, 50, 40.0), mood=planned(950, 950, 20.0)))


def test_one_task_alone_takes_nothing() -> None:
    assert not outlook.warnings(plan_of(spam=planned(600, 600, 80.0)))


def cells(plan: PlanRecord) -> dict[str, list[str]]:
    """Of the table: a task's cells by its name."""
    console = Console(file=io.StringIO(), width=80)
    console.print(outlook.table(plan))
    assert isinstance(console.file, io.StringIO)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    return {name: rest for name, *rest in lines}


def test_each_cell_of_the_table_is_below_its_title() -> None:
    changes = {"excluded": [1, 2, 3], "cut": 0.07, "unknown": 0.31}
    plan = plan_of(mood=planned(1000, 600, 10.0).model_copy(update=changes), people=planned(500, 400, 45.0))
    found = cells(plan)
    assert found["task"] == ["rows", "epochs", "of", "rows", "of", "tokens", "cut", "unknown"]
    assert found["mood"] == ["997", "0.60", "60%", "25%", "7%", "31%"]
    assert found["people"] == ["500", "0.80", "40%", "75%", "0%", "0%"]


def test_the_table_fits_eighty_columns() -> None:
    plan = plan_of(
        a_task_with_a_long_name=planned(12_345_678, 800, 20.0).model_copy(update={"unknown": 0.001})
    )
    console = Console(file=io.StringIO(), width=80)
    console.print(outlook.table(plan))
    assert isinstance(console.file, io.StringIO)
    assert all(len(line) <= 80 for line in console.file.getvalue().splitlines())
    assert "<1%" in console.file.getvalue()


def test_a_script_that_the_encoder_does_not_know_is_warned_of_with_what_to_change() -> None:
    cyrillic = Unfamiliar(script="CYRILLIC", letters=0.88, unknown=0.0, at_a_time=1.04, usual=6.0)
    task = planned(100, 100, 20.0).model_copy(update={"unfamiliar": [cyrillic]})
    [warned] = outlook.warnings(plan_of(news=task))
    assert warned.sentence.startswith(
        "news: the tokenizer does not know these words in Cyrillic (88% of the letters): it reads 1.0"
    )
    assert warned.sentence.endswith("take an encoder of that language, or a multilingual one")
    assert warned.keys == ("model.encoder",)


def test_a_task_of_signs_that_the_tokenizer_does_not_know_is_warned_of() -> None:
    """Emoji are of no script; a script that is unknown is said once, by its name."""
    signs = planned(400, 400, 10.0).model_copy(update={"unknown": 0.4})
    [warned] = outlook.warnings(plan_of(signs=signs, few=planned(400, 400, 10.0)))
    assert warned.sentence.startswith("signs: 40% of its tokens are unknown to the tokenizer")
    assert warned.keys == ("model.encoder",)
    thai = Unfamiliar(script="THAI", letters=1.0, unknown=1.0, at_a_time=2.0, usual=6.0)
    [warned] = outlook.warnings(plan_of(thai=signs.model_copy(update={"unfamiliar": [thai]})))
    assert "Thai" in warned.sentence
