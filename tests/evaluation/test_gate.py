"""The gate fails closed, and says per task why. Synthetic evidence."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from components.evaluation import paired
from components.evaluation.gate import verdict
from components.evaluation.records import Comparison, Evaluation, Finding, RowsSince, Rules
from tests import verdicts
from tests.evaluation.synthetic import evidence, judged, task
from tests.verdicts import against, of

NAN = float("nan")


@pytest.mark.parametrize(
    ("report", "expected", "why"),
    [
        (evidence(), "PROMOTE", "no champion to compare with"),
        (evidence(0.57), "REJECT", "accuracy 0.570 is below the floor 0.600, with confidence (at most 0.590)"),
        (evidence(0.59), "HOLD", "accuracy 0.590 is below the floor 0.600, which may be chance (up to 0.610)"),
        (evidence(0.65, over_trivial=[-0.01, 0.1], trivial=0.62), "HOLD", "does not exclude the trivial 0.620"),
        (evidence(0.65, over_trivial=[-0.1, -0.01], trivial=0.7), "REJECT", "is below the trivial 0.700, with confidence"),
        (evidence(champion=against(0.0, 0.005)), "PROMOTE", "within the margin 0.020 of the champion: +0.000 [-0.010, +0.010], at least -0.008"),
        # shown to be worse, and shown to be within the margin: that is what the margin is for
        (evidence(champion=against(-0.01, 0.002)), "PROMOTE", "within the margin"),
        (evidence(champion=against(-0.03, 0.005)), "REJECT", "lost significantly against the champion: -0.030"),
        (evidence(champion=against(-0.012, 0.01)), "HOLD", "a loss of accuracy beyond the margin 0.020 against the champion cannot be excluded"),
        (evidence(champion=against(-0.025, 0.02)), "HOLD", "no number of test rows would let it pass while the estimate stays"),
        (evidence(NAN), "HOLD", "is not a number"),
        (evidence(interval=[NAN, 0.9]), "HOLD", "is not a number"),
        (evidence(champion=against(0.0, 0.005, low=NAN)), "HOLD", "the difference to the champion is not a number"),
        (evidence(champion=against(0.0, 0.005, interval=[NAN, 0.1])), "HOLD", "the difference to the champion is not a number"),
    ],
)  # fmt: skip
def test_the_verdict_and_its_reason(report: Evaluation, expected: str, why: str) -> None:
    found = judged(report)
    assert found.verdict == expected
    assert why in found.tasks["t"].why


def test_a_metric_or_task_that_was_not_measured_is_held() -> None:
    assert verdict(evidence(), verdicts.rules({"t": task(metric="macro_f1")})).verdict == "HOLD"
    assert verdict(evidence(), verdicts.rules({"t": task(), "other": task()})).verdict == "HOLD"
    assert verdict(evidence(), verdicts.rules({})).verdict == "HOLD"


def test_a_head_that_the_champion_answers_and_was_not_compared_is_held() -> None:
    report = evidence(champion=against(0.0, 0.005))
    for changed in (evidence(), evidence(champion=None)):
        found = judged(changed.model_copy(update={"champion": report.champion}))
        assert found.verdict == "HOLD"
        assert "cannot be compared with the champion: it was not measured" in found.tasks["t"].why


def test_one_rejected_task_rejects_the_release() -> None:
    found = judged(of({"t": verdicts.measured(0.8), "u": verdicts.measured(0.1)}))
    assert found.verdict == "REJECT"
    assert found.tasks["t"].gate == "pass"


def test_a_task_that_is_held_says_how_many_rows_would_decide() -> None:
    """With them, and the same estimate, it is promoted; with three quarters of them it is not."""
    few = against(-0.002, 0.02)
    why = judged(evidence(champion=few)).tasks["t"].why
    more = int(why.split("about ")[1].split(" more")[0].replace(",", ""))
    for rows, expected in ((2000 + more, "PROMOTE"), (2000 + more * 3 // 4, "HOLD")):
        then = against(-0.002, 0.02 * math.sqrt(2000 / rows), rows=rows)
        assert judged(evidence(champion=then)).verdict == expected


def test_a_test_set_with_few_rows_that_tell_two_models_apart_says_that_it_cannot_decide() -> None:
    saturated = against(0.0, 0.0, low=-0.117, discordant=0, rows=24)
    found = judged(evidence(champion=saturated))
    assert found.verdict == "HOLD"
    assert "this test set cannot decide (0 of 24 test rows are answered differently" in found.tasks["t"].why


def test_four_lost_rows_and_none_won_show_no_loss() -> None:
    """A sign test has p = .0625 there, whatever resamples of the four say."""
    lost = against(-0.17, 0.076, discordant=4, rows=24)
    assert judged(evidence(champion=lost)).verdict == "HOLD"
    assert judged(evidence(champion=lost.model_copy(update={"discordant": 40}))).verdict == "REJECT"


def test_a_loss_of_one_of_many_tasks_is_corrected_for_their_number() -> None:
    """p = .02 against a third of the margin: shown for one task alone, not for the worst of six."""
    weak = against(-0.0199, 0.0064)
    assert judged(evidence(champion=weak)).verdict == "REJECT"
    others = {f"u{n}": verdicts.measured(0.8, against(0.0, 0.005)) for n in range(5)}
    assert judged(of({"t": verdicts.measured(0.8, weak), **others})).verdict == "HOLD"


def test_a_loss_estimated_beyond_the_margin_rejects_where_any_loss_is_shown() -> None:
    """p = .0013 of no loss, .01 of a third of the margin: the worst of six, and one of a hundred."""
    weak = against(-0.03, 0.01)
    others = {f"u{n}": verdicts.measured(0.8, against(0.0, 0.005)) for n in range(99)}
    six = {"t": verdicts.measured(0.8, weak), **dict(list(others.items())[:5])}
    assert judged(of(six)).verdict == "REJECT"
    assert judged(of({"t": verdicts.measured(0.8, weak), **others})).verdict == "HOLD"
    within = against(-0.0199, 0.01)  # p = .02 of no loss
    assert judged(evidence(champion=within)).verdict == "HOLD"
    assert judged(evidence(champion=against(-0.0201, 0.01))).verdict == "REJECT"


def test_many_tasks_that_are_within_their_margins_need_no_correction() -> None:
    heads = {f"u{n}": verdicts.measured(0.8, against(-0.011, 0.005)) for n in range(60)}
    assert judged(of(heads)).verdict == "PROMOTE"


def finding(champion: Comparison | None = None, **changes: Any) -> Finding:
    entry = {"gate": "slices", "what": "language = de", "rows": 300, "value": 0.7, "interval": [0.6, 0.8]}
    return Finding.model_validate({**entry, "champion": champion, "margin": 0.05, **changes})


@pytest.mark.parametrize(
    ("found", "expected", "why"),
    [
        (finding(), "PROMOTE", "no champion"),
        (finding(outcome="hold", why="too few rows"), "HOLD", "slices, language = de: too few rows"),
        (finding(outcome="reject", why="below its limit"), "REJECT", "slices, language = de: below its limit"),
        (finding(interval=[NAN, 0.8]), "HOLD", "slices, language = de: its value or its interval is not a number"),
        (finding(against(0.0, 0.01)), "PROMOTE", "no champion"),
        (finding(against(-0.1, 0.01)), "REJECT", "slices, language = de lost significantly against the champion"),
        (finding(against(0.0, 0.05, rows=300)), "HOLD", "slices, language = de: a loss beyond the margin 0.050 against the champion cannot be excluded: +0.000 [-0.098, +0.098], at least -0.082; about 520 more test rows"),
        # a loss is shown, but none of a third of its margin
        (finding(against(-0.035, 0.012)), "HOLD", "slices, language = de: a loss beyond the margin 0.050"),
        (finding(against(-0.1, 0.01), margin=None), "PROMOTE", "no champion"),
    ],
)  # fmt: skip
def test_what_further_gates_find_counts_like_a_task(found: Finding, expected: str, why: str) -> None:
    said = judged(evidence(findings=(found,)))
    assert said.verdict == expected
    assert why in said.tasks["t"].why


def below(limit: float, n: int = 0) -> Finding:
    """Whose interval, .60 to .80 about .70, lies below the limit, or about it."""
    return finding(
        what=f"slice {n}", limit=limit, outcome="reject" if limit > 0.8 else "pass", why="is below its limit"
    )


def test_a_slice_below_a_floor_rejects_alone_and_as_one_of_many_holds() -> None:
    """p = .012 of a floor at .815; of forty slices one is so far below by chance, and .0006 is asked."""
    others = tuple(below(0.7, n) for n in range(1, 40))
    assert judged(evidence(findings=(below(0.815),))).verdict == "REJECT"
    found = judged(evidence(findings=(below(0.815), *others)))
    assert found.verdict == "HOLD"
    assert "is below its limit, which may be chance among all that must be kept" in found.tasks["t"].why
    assert judged(evidence(findings=(below(0.88), *others))).verdict == "REJECT"


def test_a_floor_or_a_baseline_of_one_of_many_tasks_is_corrected_for_their_number() -> None:
    """Each p is .016: shown for one task alone, not for one of six."""
    low = verdicts.measured(0.5755, over_trivial=[0.2, 0.3])
    behind = verdicts.measured(0.8, trivial=0.8245, over_trivial=[-0.0445, -0.0045])
    others = {f"u{n}": verdicts.measured(0.8) for n in range(5)}
    for weak, why in (
        (low, "the floor 0.600, which may be chance among all"),
        (behind, "the trivial 0.825: -0.024"),
    ):
        assert judged(of({"t": weak})).verdict == "REJECT"
        found = judged(of({"t": weak, **others}))
        assert found.verdict == "HOLD"
        assert why in found.tasks["t"].why


@given(st.floats(0.1, 0.9), st.floats(0.001, 0.2), st.floats(0, 1))
def test_a_value_is_shown_to_be_below_a_limit_where_its_interval_is(
    value: float, reach: float, limit: float
) -> None:
    p = paired.p_below(value, [value - reach, value + reach], limit, 0.95)
    assert (p < 0.025) == (value + reach < limit) or abs(p - 0.025) < 1e-6
    assert paired.p_below(value, [value, value], limit, 0.95) == (1.0 if value >= limit else 0.0)


def test_the_evidence_tells_what_decides_nothing_and_is_to_be_known() -> None:
    since = RowsSince(come=12, gone=3, trained_on=219)
    behind = evidence(champion=against(0.0, 0.005, since=since))
    found = judged(behind)
    assert found.verdict == "PROMOTE"
    assert found.tasks["t"].remarks == [
        "the test set is not that of release v1: 12 rows have come, 3 have gone",
        "219 test rows stand in the training data of release v1 and are not compared with it",
    ]
    unknown = judged(evidence(champion=against(0.0, 0.005, since=None)))
    (said,) = unknown.tasks["t"].remarks
    assert said.startswith("release v1 does not say which rows it learnt from")


@pytest.mark.parametrize(
    ("seen", "advice"),
    [
        ({}, []),
        ({"epochs": 0.43, "cut": 0.05}, ["a larger training.budget or share (the run shows each row 0.43 times)"]),
        ({"epochs": 4.0, "cut": 0.25}, ["max_length (it cuts 25% of the training rows)"]),
        ({"epochs": 1.0, "cut": 1.0}, ["shows each row 1 times", "it cuts 100% of the training rows"]),
    ],
)  # fmt: skip
def test_a_linear_model_that_does_better_is_said_with_what_to_try(seen: dict, advice: list[str]) -> None:
    behind = evidence(linear=0.86, over_linear=[-0.08, -0.04])
    behind.tasks["t"] = behind.tasks["t"].model_copy(update=seen)
    found = judged(behind)
    assert found.verdict == "PROMOTE"
    (warning,) = found.tasks["t"].warnings
    start = "a linear model does better on the same rows, clearly: accuracy 0.860 against 0.800; to try: "
    assert warning.startswith(start)
    assert all(one in warning for one in [*advice, "(`onetrunk search`)"])
    assert warning.count("a larger ") == len(advice)


def test_a_linear_model_that_may_be_better_by_chance_is_said_so() -> None:
    (warning,) = judged(evidence(linear=0.81, over_linear=[-0.03, 0.01])).tasks["t"].warnings
    assert "though not clearly: accuracy 0.810 against 0.800" in warning
    (warning,) = judged(evidence(linear=0.80004, over_linear=[-0.03, 0.01])).tasks["t"].warnings
    assert "accuracy 0.80004 against 0.80000" in warning  # and not 0.800 against 0.800
    assert not judged(evidence(linear=0.8, over_linear=[-0.01, 0.01])).tasks["t"].warnings


@pytest.mark.parametrize(
    ("linear", "over", "expected", "why"),
    [
        (0.70, [0.08, 0.12], "PROMOTE", "no champion"),
        (
            0.79,
            [-0.02, 0.04],
            "HOLD",
            "does not exclude the linear 0.790: +0.010 [-0.020, +0.040]; about 800 more",
        ),
        (
            0.80,
            [0.0, 0.0],
            "HOLD",
            "does not exclude the linear 0.800: +0.000 [+0.000, +0.000]; no number of",
        ),
        (0.86, [-0.08, -0.04], "REJECT", "accuracy 0.800 is below the linear 0.860, with confidence"),
        (0.86, [NAN, NAN], "HOLD", "is not a number"),
    ],
)
def test_who_insists_has_releases_that_beat_the_linear_baseline(
    linear: float, over: list[float], expected: str, why: str
) -> None:
    measured = evidence(linear=linear, over_linear=over)
    strict = verdict(measured, verdicts.rules({"t": task(beat_linear=True)}))
    assert (strict.verdict, judged(measured).verdict) == (expected, "PROMOTE")
    assert why in strict.tasks["t"].why


def test_a_verdict_names_what_it_was_made_from() -> None:
    rules: Rules = verdicts.rules({"t": task()})
    found = verdict(evidence(), rules, "e" * 64)
    assert (found.evidence, found.rules) == ("e" * 64, rules)
