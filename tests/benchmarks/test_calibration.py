"""What `benchmarks.gate` asks: small runs of each question, whose goals say what they measured."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks import worlds
from benchmarks.calibration import absolute, coverage, ends, many, own, releases, seeds, values, years
from benchmarks.calibration.shares import cell, goal


def test_a_share_has_wilsons_interval() -> None:
    """Newcombe 1998, table I: 81 of 263."""
    assert goal("it", (81 / 263, 263), ">= 0.3").spread == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert cell((81 / 263, 263)) == "30.8 % [25.5, 36.6]"


@pytest.mark.slow
def test_coverage_is_counted_by_world_rows_and_kind() -> None:
    found = coverage.measure(("accuracy .8", 200, 60))
    assert set(found) == set(coverage.KINDS)
    assert all(share > 0.8 for share, _ in found.values())
    for kinds, sets in ((coverage.KINDS[:4], 60), (coverage.KINDS[4:], 20)):
        shares = {kind: found[kind] for kind in kinds}
        inside = all(
            coverage.COVERED <= share <= (1 if kind in coverage.MAY_BE_SAFE else coverage.MOST)
            for kind, (share, _) in shares.items()
        )
        (drawn,) = {count for _, count in shares.values()}
        assert drawn >= (sets if inside else 3 * sets)
    goals = list(coverage.goals({("accuracy .8", 200): found}))
    assert [one.goal for one in goals[:2]] == [">= 0.93", "<= 0.97"]
    assert all(one.reached for one in goals if "exact" in one.line or "mean" in one.line)


@pytest.mark.slow
def test_what_holds_too_often_in_one_world_is_asked_to_hold_often_enough_in_its_twin() -> None:
    shares = {"AUC of 10 % positives": 0.981, "AUC of wide positives": 0.94}
    found = {(name, 50): dict.fromkeys(coverage.KINDS, (share, 1000)) for name, share in shares.items()}
    goals = {one.line: one for one in coverage.goals(found)}
    assert goals["coverage of the value of AUC of 10 % positives, most"].value == 0.94
    assert goals["coverage of the value of AUC of wide positives, least"].reached
    assert "coverage of the value of AUC of wide positives, most" not in goals


def test_a_share_that_is_outside_is_drawn_again_by_three_times_as_many_test_sets() -> None:
    drawn = []

    def held(sets: int) -> np.ndarray:
        drawn.append(sets)
        return np.array([0.92 if sets == 50 else 0.94])

    assert coverage.decided(held, 50, [1.0]) == (np.array([0.94]), 150)
    assert coverage.decided(held, 40, [0.97]) == (np.array([0.94]), 40)
    assert coverage.decided(held, 1000, [0.93]) == (np.array([0.94]), 3000)
    assert drawn == [50, 150, 40, 1000, 3000]


def test_a_share_that_is_inside_is_not_missed_by_chance_and_one_outside_still_is() -> None:
    """.947 is what the difference to a worse model of wide positives has at 50 rows; a third of 500 test sets."""

    def missed(truth: float) -> tuple[float, int]:
        generator = np.random.default_rng(1)

        def held(sets: int) -> np.ndarray:
            return np.array([generator.binomial(sets, truth) / sets])

        found = [coverage.decided(held, 166, [1.0]) for _ in range(500)]
        return float(np.mean([share < coverage.COVERED for share, _ in found])), max(
            sets for _, sets in found
        )

    assert missed(0.947)[0] == 0
    assert missed(0.935)[0] < 0.04
    assert missed(0.91)[0] > 0.7
    assert coverage.ENOUGH_SETS <= missed(0.93)[1] < 2 * coverage.ENOUGH_SETS


def test_what_is_surely_outside_is_drawn_no_further() -> None:
    assert coverage.decided(lambda sets: np.array([0.85, 0.95]), 100, [1.0, 0.97])[1] == 300
    assert coverage.decided(lambda sets: np.array([0.995, 0.95]), 500, [0.97, 0.97])[1] == 1500
    assert coverage.decided(lambda sets: np.array([0.85, 0.929]), 100, [1.0, 1.0])[1] > 2000


def test_what_a_count_of_rows_makes_impossible_is_asked_of_no_interval() -> None:
    """Of 1.4 rows that differ in the mean 0 is left out from four won and none lost on; three would do it too
    often where 3.5 differ."""
    one, many = stats.poisson(0.7), stats.poisson(1.75)
    rarely = 2 * one.pmf(0) * one.sf(3)
    assert coverage.least_possible(rows_that_differ(1.4), 50) == pytest.approx(1 - rarely, abs=2e-3)
    assert 1 - 2 * many.pmf(0) * many.sf(2) < coverage.COVERED
    assert coverage.COVERED <= coverage.least_possible(rows_that_differ(20), 50) < 0.96


def rows_that_differ(mean: float) -> np.ndarray:
    """Of 50 in the mean so many, won as often as lost."""
    each = round(10_000 * mean / 50 / 2)
    return np.concatenate([np.zeros(10_000 - 2 * each), np.ones(each), -np.ones(each)])


def test_rows_that_are_worth_more_or_less_leave_less_to_be_shown_than_as_many_that_are_worth_the_same() -> (
    None
):
    same = rows_that_differ(4)
    worth = np.random.default_rng(0).exponential(size=len(same))
    assert coverage.least_possible(same * worth, 50) > coverage.least_possible(same, 50) + 0.005


def test_what_few_rows_make_impossible_excuses_no_interval_of_many() -> None:
    found = dict.fromkeys(coverage.ROWS, (0.998, 1000))
    goals = coverage._most("difference", "accuracy .95", "difference", found)
    assert {one.line: one.reached for one in goals} == {
        "difference at 50 rows, most": True,
        "difference at 100 rows, most": False,
        "difference, most": False,
    }


@pytest.mark.slow
def test_of_pairs_every_document_stays_and_who_answered_which_is_drawn() -> None:
    groups = [(one, other) for one in "abcdefgh" for other in "abcdefgh" if one < other]
    champion, equal, trivial = np.random.default_rng(0).normal(size=(3, len(groups), 2))
    tables = {"champion": champion, "equal": equal, "trivial": trivial}
    world = worlds.World("pairs", worlds.PEARSON, 0.04, tables, groups)
    one, other = own._even(world, 2)
    places, drawn = one.draw(50, np.random.default_rng(0))
    assert places.tolist() == list(range(len(groups)))
    assert drawn == [list(row) for row in groups]
    assert (one.tables["equal"] != other.tables["equal"]).any()
    assert one.tables["equal"] + one.tables["champion"] == pytest.approx(
        world.tables["equal"] + world.tables["champion"]
    )


@pytest.mark.slow
def test_a_release_of_equal_heads_is_not_rejected_and_a_loss_is_kept_back() -> None:
    found = releases.measure((700, 6))
    assert found["false reject"]["release"] == (0.0, 6)
    assert set(found["loss kept back"]) == set(releases.HEADS)
    assert min(share for share, _ in found["loss kept back"].values()) == 1
    promised = {one.line for one in releases.goals({700: found, 200: found}) if one.goal}
    assert not any(line.startswith("200 rows: a loss") for line in promised)


def test_two_seeds_are_rejected_by_every_significant_loss_and_not_by_the_gate() -> None:
    found = seeds._of(50_000, 20, np.random.default_rng(1))
    assert found["old"][0] > 0.4
    assert found["reject"][0] == 0
    assert found["promote"][0] > 0.9


def test_a_year_without_anchors_loses_more_than_a_year_with_them() -> None:
    bounded, unbounded = (
        np.mean([years.year(0.005, np.random.default_rng(seed), margin)[0] for seed in range(3)])
        for margin in (1.0, 1e9)
    )
    assert bounded < years.TOO_MUCH < unbounded


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["kendall", "RMSE", "quadratic kappa", "log loss", "macro-F1 of one rare of two"]
)
def test_the_value_of_a_world_is_held_and_its_truth_is_that_of_all_rows(name: str) -> None:
    share, drawn = values.measure((name, 200, 20))
    assert share > 0.8 and drawn >= 20
    world = values.MAKERS[name]()
    assert world.truth("equal") > world.truth("trivial")
    (found,) = values.goals({(name, 200): (share, drawn)})
    assert (found.goal, found.value) == (">= 0.93", share)


def test_the_least_of_all_numbers_of_rows_is_promised() -> None:
    name = "macro-F1 of one rare of two, .99 right"
    (asked,) = values.goals({(name, 50): (0.89, 500), (name, 200): (0.95, 500)})
    assert name in values.MAKERS and asked.value == 0.89


@pytest.mark.slow
def test_sums_of_absolute_values_are_asked_of_value_difference_and_bound() -> None:
    name = "calibration error of clicks: both right"
    found = {(name, 200): absolute.measure((name, 200, 20))}
    assert set(found[name, 200]) == set(absolute.KINDS)
    assert [one.goal for one in absolute.goals(found)] == [">= 0.93"] * 3


@pytest.mark.slow
def test_a_single_end_is_asked_to_miss_as_often_as_it_may_and_no_less() -> None:
    """The high end of sums held 99.7 % before."""
    name = "high end of ten bins, all off by 1.0 spreads"
    found = {name: ends.measure((name, 2000))}
    assert all(one.reached for one in ends.goals(found))
    assert [one.reached for one in ends.goals({name: (0.997, 2000)})] == [True, False]
    gap = "low end of a gap of three groups, far apart"
    assert ends.measure((gap, 20))[0] > 0.8


def test_one_of_many_rejects_by_each_interval_and_hardly_by_the_gate() -> None:
    found = many.measure(40)
    assert found["slices"][0] <= 0.15 and found["each slice"][0] > 0.4
    assert found["leave"][0] <= 0.1 and found["each task"][0] > 0.1
    assert [one.goal for one in many.goals(found)] == ["<= 0.05", None, "<= 0.05", None]
