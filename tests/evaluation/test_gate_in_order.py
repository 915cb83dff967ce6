"""Better evidence never gets a worse verdict, whatever the evidence."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from components.evaluation.gate import verdict
from components.evaluation.records import Evaluation, Outcome
from tests import verdicts
from tests.evaluation.synthetic import evidence, judged, task
from tests.quick import examples
from tests.verdicts import against, counted, of

ORDER: tuple[Outcome, ...] = ("REJECT", "HOLD", "PROMOTE")

DIFFERENCES = st.floats(-0.1, 0.1)
ERRORS = st.floats(0.001, 0.05)
HEADS = st.lists(st.tuples(DIFFERENCES, ERRORS, st.floats(0.5, 0.9)), min_size=1, max_size=4)


def release_of(heads: list[tuple[float, float, float]]) -> Evaluation:
    named = {
        f"t{n}": verdicts.measured(value, against(difference, error))
        for n, (difference, error, value) in enumerate(heads)
    }
    return of(named)


def rank(report: Evaluation, **rules: Any) -> int:
    return ORDER.index(judged(report, **rules).verdict)


@given(HEADS, st.floats(0, 0.1), st.floats(0, 0.1))
@settings(max_examples=examples(300))
def test_better_evidence_never_gets_a_worse_verdict(
    heads: list[tuple[float, float, float]], gained: float, risen: float
) -> None:
    (difference, error, value), *others = heads
    better = release_of([(difference + gained, error, value + risen), *others])
    assert rank(better) >= rank(release_of(heads))


@given(HEADS, st.floats(1, 100))
@settings(max_examples=examples(300))
def test_a_promotion_stands_with_more_rows_and_the_same_estimates(
    heads: list[tuple[float, float, float]], more: float
) -> None:
    then = release_of([(difference, error / math.sqrt(more), value) for difference, error, value in heads])
    before, after = judged(release_of(heads)).verdict, judged(then).verdict
    assert before != "PROMOTE" or after == "PROMOTE"


@given(st.integers(0, 30), st.integers(0, 30), st.integers(100, 3000), st.integers(2, 20))
@settings(max_examples=examples(200))
def test_a_promotion_stands_with_more_rows_of_the_same_kind(
    won: int, lost: int, units: int, more: int
) -> None:
    before, after = (
        judged(evidence(champion=counted(won * times, lost * times, units * times))).verdict
        for times in (1, more)
    )
    assert before != "PROMOTE" or after == "PROMOTE"


@given(st.integers(0, 30), st.integers(0, 30), st.integers(100, 3000))
@settings(max_examples=examples(200))
def test_a_row_that_is_won_and_not_lost_never_makes_a_worse_verdict(won: int, lost: int, units: int) -> None:
    less, better = counted(won, lost + 1, units), counted(won + 1, lost, units)
    assert rank(evidence(champion=better)) >= rank(evidence(champion=less))


@given(HEADS)
@settings(max_examples=examples(200))
def test_a_release_is_promoted_exactly_when_each_of_its_tasks_alone_would_be(
    heads: list[tuple[float, float, float]],
) -> None:
    alone = [judged(release_of([head])).verdict == "PROMOTE" for head in heads]
    assert (judged(release_of(heads)).verdict == "PROMOTE") == all(alone)


@given(DIFFERENCES, ERRORS, st.floats(0.01, 0.1), st.floats(0, 0.1))
@settings(max_examples=examples(200))
def test_a_wider_margin_never_gets_a_worse_verdict(
    difference: float, error: float, margin: float, wider: float
) -> None:
    report = evidence(champion=against(difference, error))
    narrow, wide = (
        verdict(report, verdicts.rules({"t": task(margin=one)})).verdict for one in (margin, margin + wider)
    )
    assert ORDER.index(wide) >= ORDER.index(narrow)
