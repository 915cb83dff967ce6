"""Gains, their intervals and their mean, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from components.comparison.gains import delta_m, gains, mean_over_seeds


def test_the_interval_is_students() -> None:
    """1, 2, 3: mean 2, standard deviation 1; t at 97.5 % with 2 degrees of freedom is 4.3027 (any table)."""
    found = mean_over_seeds([1.0, 2.0, 3.0], 0.95)
    half = 4.3027 / 3**0.5
    assert found.gain == 2.0
    assert found.interval == pytest.approx([2 - half, 2 + half], abs=1e-4)
    assert mean_over_seeds([1.0, 2.0, 3.0], 0.90).interval[1] == pytest.approx(2 + 2.9200 / 3**0.5, abs=1e-4)


def test_one_seed_has_no_interval() -> None:
    assert mean_over_seeds([0.3], 0.95) == (0.3, None)


@pytest.mark.parametrize("value", [0.0, 0.01, -0.25, 0.1 + 0.2])
def test_gains_that_are_all_the_same_have_no_interval(value: float) -> None:
    """Of a test set of few rows: one that is right more, whatever the seed."""
    assert mean_over_seeds([value] * 3, 0.95) == (pytest.approx(value), None)
    assert mean_over_seeds([0.8 - 0.7, 0.3 - 0.2, 0.1], 0.95).interval is None  # but for rounding
    assert mean_over_seeds([value, value, value + 1e-3], 0.95).interval is not None


def test_the_interval_holds_the_mean_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    for confidence in (0.8, 0.95):
        drawn = [mean_over_seeds(random.normal(0.3, 2, 3).tolist(), confidence) for _ in range(2000)]
        held = np.mean([one.interval[0] <= 0.3 <= one.interval[1] for one in drawn])
        assert held == pytest.approx(confidence, abs=0.025)


def test_a_gain_is_joint_minus_alone_seed_by_seed() -> None:
    found = gains({"ner": [0.6, 0.8]}, {"ner": [0.5, 0.9]}, {"ner": "f1"}, 0.95)["ner"]
    assert found.by_seed == pytest.approx([0.1, -0.1])
    assert (found.joint, found.alone, found.gain) == pytest.approx((0.7, 0.7, 0.0))
    assert found.interval[0] < 0 < found.interval[1]


def test_a_loss_is_shown_of_one_task_and_of_one_among_many_only_where_it_is_clear() -> None:
    """t = -5.20 and -52.0 with 2 degrees of freedom: one-sided p .0176 and .00018, against .025 / 20 = .00125."""
    lost, nothing = [0.001, 0.002, 0.003], [-0.001, 0.0, 0.0015]
    others = {f"u{n}": nothing for n in range(19)}

    def shown(seen: list[float], beside: dict[str, list[float]]) -> str | None:
        joint = {
            "t": [0.5 - one for one in seen],
            **{head: [0.5 + g for g in v] for head, v in beside.items()},
        }
        alone = {head: [0.5] * 3 for head in joint}
        return gains(joint, alone, dict.fromkeys(joint, "f1"), 0.95)["t"].shown

    weak, clear = [0.002, 0.003, 0.004], [0.02, 0.021, 0.019]
    assert (shown(weak, {}), shown(weak, others)) == ("harms", None)
    assert (shown(clear, {}), shown(clear, others)) == ("harms", "harms")
    gained = [-one for one in weak]
    assert (shown(gained, {}), shown(gained, others)) == ("helps", None)
    assert (shown([-one for one in clear], others), shown(lost, {})) == ("helps", None)


@pytest.mark.slow
def test_of_many_tasks_that_gain_nothing_hardly_a_report_says_that_one_should_leave() -> None:
    """Of twenty tasks one interval or another lay below 0 in four of ten reports."""
    random, reports = np.random.default_rng(0), 400
    said = []
    for _ in range(reports):
        joint = {f"t{n}": random.normal(0.5, 0.01, 3).tolist() for n in range(20)}
        alone = {head: random.normal(0.5, 0.01, 3).tolist() for head in joint}
        found = gains(joint, alone, dict.fromkeys(joint, "f1"), 0.95).values()
        below = any(one.interval is not None and one.interval[1] < 0 for one in found)
        said.append((any(one.shown == "harms" for one in found), below))
    shown, by_interval = np.mean(said, axis=0)
    assert shown <= 0.05
    assert by_interval > 0.3


def test_delta_m_is_the_mean_relative_gain() -> None:
    """+20 % and -10 % with one seed, +10 % and -10 % with the other: means 5 % and 0 %."""
    joint = {"a": [0.6, 0.55], "b": [0.45, 0.45], "c": [0.3, 0.3]}
    alone = {"a": [0.5, 0.5], "b": [0.5, 0.5], "c": [-0.1, 0.2]}
    found = delta_m(joint, alone, 0.95)
    assert found.gain == pytest.approx(0.025)
    assert found.interval == pytest.approx([0.025 - 12.7062 * 0.025, 0.025 + 12.7062 * 0.025], abs=1e-5)
    assert found.left_out == ["c"]  # a correlation below 0 has no relative gain
    assert delta_m({"c": [0.1]}, {"c": [0.0]}, 0.95).gain is None
