"""Fairness: gaps between groups, and answers that change with who is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from components.evaluation.gates.asking import Models
from components.evaluation.gates.base import Case
from components.evaluation.gates.fairness import Fairness
from components.evaluation.records import Finding
from components.families.base import Prediction, Row
from tests.evaluation.gates.case import case_of, row
from tests.evaluation.gates.conftest import Judge

ERRORS = {"old": 0.3, "young": 0.1, "other": 0.1}


def grouped(errors: dict[str, float], seed: int = 0, n: int = 300) -> Case:
    """n rows of each group; the model errs as said, the champion in a tenth of all."""
    generator = np.random.default_rng(seed)
    rows = [
        row(number, "a", age=group)
        for number, group in enumerate(group for group in errors for _ in range(n))
    ]

    def said(share: dict[str, float]) -> list[Prediction]:
        return [{"label": "b" if generator.uniform() < share[one["slice"]["age"]] else "a"} for one in rows]

    return case_of(rows, said(errors), champion=said(dict.fromkeys(errors, 0.1)))


def of(case: Case, **settings: Any) -> Finding:
    (found,) = Fairness.model_validate(settings).findings(case)
    return found


def test_a_gap_between_groups_is_found_and_rejected_beyond_its_limit() -> None:
    found = of(grouped(ERRORS), columns=["age"], gap=0.1)
    assert found.what == "gap of accuracy between age"
    assert -0.28 < found.value < -0.13
    assert found.outcome == "reject"
    assert found.champion and found.champion.interval[1] < -0.05


@pytest.mark.slow
def test_equal_groups_have_hardly_a_gap_though_chance_makes_one() -> None:
    equal = dict.fromkeys(ERRORS, 0.1)
    found = [of(grouped(equal, seed), columns=["age"]).value for seed in range(30)]
    assert -0.018 < np.mean(found) <= 0  # where the plain gap of three such groups is 0.029 in the mean


def test_a_small_group_makes_no_gap() -> None:
    case = grouped(ERRORS, n=90)
    assert list(Fairness(columns=["age"]).findings(case)) == []


class Biased(Models):
    """Answers "b" where it reads she; the champion does not look."""

    def __init__(self) -> None:
        pass

    def ask(self, who: str, head: str, card: object, rows: Sequence[Row]) -> list[Prediction]:
        return [{"label": "b" if who == "model" and "she" in one["text"].split() else "a"} for one in rows]


def test_answers_that_change_with_the_terms_are_counted() -> None:
    texts = ["he was late"] * 150 + ["nobody was late"] * 100
    rows = [row(n, "a", text) for n, text in enumerate(texts)]
    case = case_of(rows, model=rows, champion=rows)
    case = Case(**{**case.__dict__, "models": Biased()})
    found = of(case, terms={"he": "she"})
    assert (found.rows, found.value, found.outcome) == (150, 0.0, "reject")
    assert found.limit == 0.95
    assert found.champion and found.champion.value == 1.0


@pytest.mark.slow
def test_real_models_are_asked_with_other_terms(judge: Judge) -> None:
    found = judge(
        {"fairness": {"columns": ["size"], "terms": {"good": "bad", "great": "poor"}, "min_rows": 5}}
    )
    what = {one.what: one for one in found.tasks["mood"].findings}
    assert set(what) == {"gap of accuracy between size", "answers that stay the same with other terms"}
    assert all(one.champion and one.champion.difference == 0 for one in what.values())
    (other,) = found.tasks["closeness"].findings  # it has no slice column, and its scores move
    assert other.what == "answers that stay the same with other terms" and other.value < 0.5
