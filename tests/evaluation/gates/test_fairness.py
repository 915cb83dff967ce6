"""Fairness: gaps between groups, and answers that change with who is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from benchmarks.calibration import absolute
from components.evaluation.gates.asking import Models
from components.evaluation.gates.base import Case
from components.evaluation.gates.fairness import Fairness, ends_of_gap
from components.evaluation.gates.measure import Score
from components.evaluation.records import Finding
from components.evaluation.units import Units, sample
from components.families.base import Prediction, Row
from components.families.shared.metrics import accuracy
from tests.evaluation.gates.case import case_of, row
from tests.evaluation.gates.conftest import Judge

ACCURACY = accuracy("label")
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
    assert found.champion and found.champion.interval[1] < 0


@pytest.mark.slow
def test_equal_groups_have_hardly_a_gap_though_chance_makes_one() -> None:
    equal = dict.fromkeys(ERRORS, 0.1)
    found = [of(grouped(equal, seed), columns=["age"]).value for seed in range(30)]
    assert -0.018 < np.mean(found) <= 0  # where the plain gap of three such groups is 0.029 in the mean


def shares(*right: tuple[int, int]) -> Case:
    """Groups of so many right answers of so many rows."""
    groups = [f"g{group}" for group, (_, every) in enumerate(right) for _ in range(every)]
    rows = [row(number, "a", age=group) for number, group in enumerate(groups)]
    said = [{"label": "a" if n < count else "b"} for count, every in right for n in range(every)]
    return case_of(rows, said)


def test_a_gap_of_two_shares_has_the_interval_of_newcombe() -> None:
    """Newcombe 1998 (Statistics in Medicine 17:873), table II, 56/70 - 48/80 by method 10."""
    found = of(shares((48, 80), (56, 70)), columns=["age"], min_rows=50)
    assert found.interval == pytest.approx([-0.3339, -0.0524], abs=1e-4)


def test_a_group_that_lies_between_two_others_does_not_make_their_gap_less_sure() -> None:
    """Nor do more of them. Bonferroni's correction for all three pairs made the near end .087 of the .1."""
    apart = of(shares((1400, 2000), (1800, 2000)), columns=["age"]).interval
    assert of(shares((1400, 2000), (1600, 2000), (1800, 2000)), columns=["age"]).interval == apart
    between = ((1600, 2000),) * 4
    assert of(shares((1400, 2000), *between, (1800, 2000)), columns=["age"]).interval == apart


def test_of_two_groups_that_may_be_the_best_one_both_are_counted() -> None:
    """Newcombe's end of one pair, at an error of half."""
    found = of(shares((1400, 2000), (1800, 2000), (1800, 2000)), columns=["age"]).interval
    groups = [_score(1400, 2000), _score(1800, 2000)]
    low, high = ends_of_gap(groups, 0.975), ends_of_gap(groups, 0.95)
    assert found == pytest.approx([high[0], low[1]])


def test_where_no_difference_is_shown_among_all_pairs_there_is_none() -> None:
    """A pair by itself would show one."""
    alone = ends_of_gap([_score(150, 200), _score(169, 200)], 0.95)
    among = ends_of_gap([_score(150, 200), _score(169, 200), _score(160, 200)], 0.95)
    assert alone[1] < 0 == among[1]


def test_the_ends_of_a_gap_hold_it_and_move_apart_as_they_get_surer() -> None:
    generator = np.random.default_rng(0)
    for _ in range(60):
        rows = generator.integers(50, 2000, generator.integers(2, 7))
        groups = [_score(int(generator.binomial(n, generator.choice([0.5, 0.9, 1.0]))), int(n)) for n in rows]
        gap = np.ptp([one.value for one in groups])
        ends = [ends_of_gap(groups, level) for level in (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)]
        assert all(-1 <= low <= -gap <= high <= 0 for low, high in ends)
        assert all(one[0] >= other[0] and one[1] <= other[1] for one, other in pairwise(ends))


def _score(right: int, rows: int) -> Score:
    table = np.stack([np.arange(rows) < right, np.ones(rows)], axis=1).astype(float)
    return Score(sample(ACCURACY, table, Units(rows)), ACCURACY, table)


def test_groups_that_seem_alike_may_be_apart() -> None:
    found = of(shares((45, 50), (45, 50), (45, 50)), columns=["age"], min_rows=50)
    assert found.value == found.interval[1] == 0
    assert -0.2 < found.interval[0] < -0.1


def test_a_group_that_the_champion_cannot_answer_makes_no_comparison_of_gaps() -> None:
    case = grouped(ERRORS)
    assert case.common is not None
    of_two = np.array([one["slice"]["age"] != "old" for one in case.rows])
    less = replace(case, common=replace(case.common, rows_N=of_two))
    found = of(less, columns=["age"])
    assert (found.champion, found.margin) == (None, None)


@pytest.mark.slow
def test_a_gap_that_the_champion_does_not_have_is_not_bounded_too_near() -> None:
    """A gap of .05, which chance makes too. The bound held it in 85 % of such test sets before."""
    generator, held = np.random.default_rng(0), 0
    rows = [row(number, "a", age=f"g{number % 2}") for number in range(400)]
    wrong_N = np.where(np.arange(400) % 2, 0.1, 0.15)
    for _ in range(60):
        one, fresh, same = generator.random((3, 400))
        sides = (one < wrong_N, np.where(same < 0.7, one, fresh) < 0.1)
        said, champion = ([{"label": "b" if bad else "a"} for bad in side] for side in sides)
        against = of(case_of(rows, said, champion=champion), columns=["age"]).champion
        assert against is not None and against.low is not None
        assert against.interval[0] <= against.low <= against.difference <= against.interval[1]
        held += against.low <= -0.05
    assert held >= 0.95 * 60


@pytest.mark.slow
def test_a_gap_the_other_way_round_than_the_champions_is_as_large() -> None:
    """Of 100 rows a group: the difference of the gaps, none, was held in 87 % of such test sets before."""
    asked = absolute.ASKED["gap between groups: of .1 the other way round than the champion's"]
    generator = np.random.default_rng(0)
    found = [asked.draw(asked.model, asked.champion, 100, generator).against.interval for _ in range(100)]
    assert np.mean([low <= 0 <= high for low, high in found]) >= 0.94


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
