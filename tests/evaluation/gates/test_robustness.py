"""Robustness: the fall of a metric on altered rows, of the candidate and of the champion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from components.evaluation.gates.asking import Models
from components.evaluation.gates.base import Case
from components.evaluation.gates.measure import measured
from components.evaluation.gates.robustness import Robustness
from components.families.base import Prediction, Row
from tests.evaluation.gates.case import case_of, row
from tests.evaluation.gates.conftest import Judge


class Brittle(Models):
    """Answers "a" where it reads good, and "b" where it does not; the champion reads typos too."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, who: str, head: str, card: object, rows: Sequence[Row]) -> list[Prediction]:
        self.asked += [one["text"] for one in rows]
        good = [
            (sorted(one["text"]) == sorted("splendid")) if who == "champion" else one["text"] == "splendid"
            for one in rows
        ]
        return [{"label": "a" if one else "b"} for one in good]


def brittle(n: int = 400, **gate: float) -> Case:
    rows = [  # two of a writer each, or those that say the same would be one
        {**row(number, label, text), "groups": [str(number // 2)]}
        for number in range(n)
        for label, text in [("a", "splendid") if number % 2 else ("b", "terrible")]
    ]
    case = case_of(rows, model=rows, champion=rows, **gate)
    return Case(**{**case.__dict__, "models": Brittle()})


def test_a_model_that_typos_deceive_falls_where_its_champion_does_not() -> None:
    (found,) = Robustness(kinds=["typos"], limit=0.1).findings(brittle())
    assert found.what == "change of accuracy under typos"
    assert found.value == pytest.approx(-0.5) and found.rows == 400
    assert found.outcome == "reject" and "is below the limit -0.100" in found.why
    assert found.champion and found.champion.value == 0
    assert found.champion.difference == pytest.approx(-0.5) and found.champion.interval[1] < -0.4
    assert found.margin == pytest.approx(0.09)


def test_a_fall_that_no_row_shows_may_be_one_of_dear_rows() -> None:
    """Of a hundred rows none falls. Of a share of rows Tango's end is z^2 / (n + z^2); of a macro F1 a row of the
    rare class is worth several."""
    rows = [row(number, "ab"[number % 10 == 0]) for number in range(100)]
    lows = {}
    for metric in ("accuracy", "macro_f1"):
        case = case_of(rows, model=rows, metric=metric)
        case = replace(case, said={**case.said, "trivial": [{"label": "a"}] * 100})
        fall = measured(case, lambda asked: asked.by(case.metric) - asked.by(case.metric))  # noqa: B023
        lows[metric] = fall.own.interval(0.95, fall.worth)[0]
    assert lows["accuracy"] == pytest.approx(-(1.96**2) / (100 + 1.96**2), abs=1e-4)
    assert lows["macro_f1"] < 2 * lows["accuracy"]


def test_what_may_change_the_answer_is_shown_and_not_judged() -> None:
    rows = [row(n, "a", "it is splendid") for n in range(200)]
    case = case_of(rows, model=rows, champion=rows)
    case = Case(**{**case.__dict__, "models": Brittle()})
    (found,) = Robustness(kinds=["negation"], limit=0.1).findings(case)
    assert found.what == "answers that negation leave as they are (not judged)"
    assert (found.value, found.limit, found.margin, found.outcome) == (0.0, None, None, "pass")


def test_at_most_so_many_rows_are_asked_and_few_are_not_judged() -> None:
    case = brittle()
    (found,) = Robustness(kinds=["typos"], rows=50, limit=0.1).findings(case)
    assert found.rows == 50
    assert (found.outcome, found.limit, found.champion) == ("pass", None, None)
    assert found.what.endswith("(fewer than 100 rows, not judged)")
    assert isinstance(case.models, Brittle) and len(case.models.asked) == 100  # of candidate and champion


@pytest.mark.slow
def test_real_models_are_asked_as_they_were_and_twins_fall_alike(judge: Judge) -> None:
    """The champion is the same model, with a tokenizer file of its own."""
    kinds = ["typos", "casing", "noise", "dropped_words", "entities"]
    found = judge({"robustness": {"kinds": kinds, "rate": 0.5, "min_rows": 5}})
    expected = {"mood": 4, "size": 4, "people": 5, "closeness": 4}
    assert {head: len(task.findings) for head, task in found.tasks.items()} == expected
    for task in found.tasks.values():
        for one in task.findings:
            judged = "not judged" not in one.what
            assert (one.champion is not None) == judged
            assert one.champion is None or one.champion.difference == pytest.approx(0, abs=1e-6)
    under = {one.what: one.value for one in found.tasks["people"].findings}
    assert under["change of entity_f1 under casing"] == 0  # its tokenizer knows no case
    assert under["change of entity_f1 under noise"] < 0


def test_asked_about_the_test_rows_themselves_a_model_says_what_it_said(trained: Path, judge: Judge) -> None:
    from components import families
    from components.data.contract.rows import labelled_rows
    from components.data.encoding.split import cards_of
    from components.evaluation.gates.measure import same_answers
    from components.files import read_json

    judge({}, champion=False)
    for head, task in (("mood", "mood"), ("size", "mood"), ("people", "people"), ("closeness", "closeness")):
        card = cards_of(Path("encoded") / task)[head]
        rows = labelled_rows(Path("data") / task, "test", head)
        said = Models(Path(), None).ask("model", head, card, rows)
        before = read_json(Path(f"predictions/{head}.json"))
        assert same_answers(families.get(card["family"]), said, before, tolerance=1e-5).all()


@pytest.mark.slow
def test_embeddings_that_are_moved_against_a_model_cost_it_more_the_further_they_are(judge: Judge) -> None:
    def fall(epsilon: float, champion: bool = False) -> dict[str, float]:
        gate = {"robustness": {"kinds": ["fgm"], "epsilon": epsilon, "min_rows": 5}}
        found = judge(gate, champion=champion)
        of_twins = [one.champion for task in found.tasks.values() for one in task.findings if one.champion]
        assert all(one.difference == pytest.approx(0, abs=1e-6) for one in of_twins)
        assert len(of_twins) == (4 if champion else 0)
        return {head: task.findings[0].value for head, task in found.tasks.items()}

    near, far = fall(1e-6, champion=True), fall(10.0)
    assert all(value == pytest.approx(0, abs=1e-3) for value in near.values())
    assert far["mood"] < -0.2 and far["people"] < -0.2
