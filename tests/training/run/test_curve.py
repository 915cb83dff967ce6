"""Learning curves: intervals hold what they promise, and a rise is told from noise. Synthetic scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from components.training.run import curve
from components.training.run.state import Entry


def law(t: np.ndarray | float, height: float, exponent: float) -> np.ndarray:
    """A learning curve that is 0.8 at t = 1."""
    return np.asarray(0.8 - height * (np.asarray(t) ** -exponent - 1) / exponent)


def history(scores: Sequence[float], head: str = "mood") -> list[Entry]:
    return [{"step": 10 * n, "validation": {head: value}} for n, value in enumerate(scores, 1)]  # type: ignore[typeddict-item,misc]


@pytest.mark.slow
@pytest.mark.parametrize("evaluations", [6, 12])
def test_the_interval_holds_the_longer_runs_score_in_about_nine_of_ten(evaluations: int) -> None:
    random, held = np.random.default_rng(0), []
    for _ in range(150):
        height, exponent, noise = random.choice([0.0, 0.03, 0.1]), random.choice([0.2, 0.5, 1.0]), 0.01
        t = np.arange(1, evaluations + 1) / evaluations
        scores = law(t, height, exponent) + noise * random.standard_normal(evaluations)
        found = curve.of_head(history(scores.tolist()), "mood", curve.MORE)
        low, high = np.quantile(found.score_D, curve.INTERVAL)
        held.append(low <= law(2.0, height, exponent) + noise * random.standard_normal() <= high)
    assert 0.83 <= np.mean(held) <= 0.98


def test_a_rise_goes_on_and_a_level_curve_does_not() -> None:
    t = np.arange(1, 13) / 12
    noise = 0.003 * np.random.default_rng(1).standard_normal(12)
    rising = curve.ahead(history((law(t, 0.1, 0.5) + noise).tolist()))["mood"]
    assert rising.improving
    assert rising.twice == pytest.approx(law(2.0, 0.1, 0.5), abs=0.015)
    level = curve.ahead(history([0.5, *(0.8 + noise[1:]).tolist()]))["mood"]
    assert level.improving is not True
    assert level.interval[0] < 0.8 < level.interval[1]


def test_scores_in_other_units_give_the_same_in_those() -> None:
    scores = (law(np.arange(1, 9) / 8, 0.1, 1.0)).tolist()
    one, other = (curve.ahead(history([scale * s + 7 for s in scores]))["mood"] for scale in (1, 1000))
    assert other.twice - 7 == pytest.approx(1000 * (one.twice - 7), rel=1e-6)
    assert curve.ahead(history(scores)) == curve.ahead(history(scores))


def test_too_few_evaluations_tell_nothing() -> None:
    assert curve.ahead(history([0.1, 0.2, 0.3, 0.4, 0.5])) == {}
    assert curve.sentence({}, ["mood"], 3).startswith("3 scheduled evaluations do not tell")
    assert curve.sentence({}, ["mood"], 1).startswith("1 scheduled evaluation does not tell")


def test_a_head_that_has_not_risen_since_its_first_evaluation_is_not_foretold() -> None:
    """It may not have begun to learn."""
    for scores in ([0.5] * 8, [0.01, 0, 0, 0, 0, 0, 0, 0]):
        assert curve.ahead(history(scores)) == {}
        assert (
            curve.sentence({}, ["mood"], 8) == "Not risen since the first evaluation: mood"
        )  # and no forecast


@pytest.mark.parametrize("evaluations", [6, 12, 30])
def test_noise_is_no_rise(evaluations: int) -> None:
    random = np.random.default_rng(0)
    level = [0.5 + 0.01 * random.standard_normal(evaluations) for _ in range(200)]
    assert np.mean([curve.has_begun(scores.tolist()) for scores in level]) < 0.1
    risen = [scores - 0.06 * (np.arange(evaluations) == 0) for scores in level]
    assert np.mean([curve.has_begun(scores.tolist()) for scores in risen]) > 0.85


def test_no_share_is_foretold_above_one() -> None:
    found = curve.ahead(history([0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99]))["mood"]
    assert found.twice <= found.interval[1] <= 1
    assert curve.ahead(history([1, 3, 5, 7, 8, 9, 9.5, 9.9]))["mood"].twice > 9.9


@pytest.mark.parametrize(
    ("scores", "low", "high"),
    [
        ([0.1, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.45], 0.0, 1.0),  # a share that falls
        ([0.1, 0.9, 0.4, -0.2, -0.6, -0.8, -0.9, -0.95], -1.0, 1.0),  # a correlation that falls
        ([-9.0, -5.0, -3.0, -2.0, -1.2, -0.5, -0.2, -0.1], -np.inf, 0.0),  # an error
        ([-1.2, -1.0, -0.8, -0.6, -0.4, -0.3, -0.2, -0.1], -np.inf, 0.0),
    ],
)
def test_no_score_is_foretold_that_no_metric_has(scores: list[float], low: float, high: float) -> None:
    found = curve.of_head(history(scores), "mood", curve.MORE)
    for drawn_D in (found.now_D, found.then_D, found.score_D):
        assert low <= drawn_D.min() <= drawn_D.max() <= high


def test_the_sentence_names_what_was_rising_and_what_was_not() -> None:
    rising, level = law(np.arange(1, 9) / 8, 0.1, 0.5).tolist(), [0.3, *[0.5] * 7]
    both = [
        {**one, "validation": {**one["validation"], **other["validation"]}}
        for one, other in zip(history(rising), history(level, "topic"), strict=True)
    ]
    said = curve.sentence(curve.ahead(both), ["mood", "topic"], len(both))  # type: ignore[arg-type]
    assert said.startswith(("Still improving: mood 0.7", "Still improving: mood 0.8"))
    assert "No longer improving: topic 0.500 to 0.500 [0.4" in said


def test_scores_that_stand_still_are_not_certain_to_stay() -> None:
    """Of few validation rows one answer for all of them gives the same score again and again."""
    for count in (6, 12, 30):
        found = curve.ahead(history([0.2, *[0.44] * (count - 1)]))["mood"]
        assert found.improving is False
        assert found.interval[0] < 0.435
        assert found.interval[1] > 0.445


@pytest.mark.parametrize("count", [6, 7, 24])
def test_scores_that_are_no_numbers_foretell_nothing_and_stop_no_training(count: int) -> None:
    nan, half = float("nan"), count // 2
    rising = np.linspace(0.1, 0.8, count).tolist()
    assert curve.ahead(history([*rising[:half], *[nan] * (count - half)])) == {}
    assert curve.ahead(history([*rising[:-1], nan])) == {}
    assert curve.ahead(history([*rising[:half], *[float("inf")] * (count - half)])) == {}
    assert curve.ahead(history([nan] * count)) == {}
    assert curve.ahead(history([nan, *rising[1:]]))["mood"].twice > 0.8
