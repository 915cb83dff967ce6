"""Combinations against the papers' arithmetic and what they promise, on explicit Jacobians and toy problems."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from components.training.balancing import combination, combination_names
from tests.training.balancing.jacobians import CONFLICTS, JACOBIANS, combined, every, mean_scale


def stationary(jacobian_Kp: np.ndarray) -> bool:
    """Does every direction raise some loss?"""
    return bool(np.linalg.norm(combined("mgda", jacobian_Kp)) < 1e-6)


# --- by hand -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sum", "pcgrad", "upgrad"])
def test_gradients_without_conflict_are_summed(name: str) -> None:
    orthogonal = np.diag([3.0, 1.0, 2.0])
    aligned = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [2.0, 1.0, 1.0]])
    for jacobian in (orthogonal, aligned):
        assert combined(name, jacobian) == pytest.approx(jacobian.sum(0))


@pytest.mark.parametrize(
    ("name", "moved"),
    [
        ("nash_mtl", 1),
        ("imtl_g", 1),
        ("mgda", 0.5),
        ("cagrad", 1.25),
        ("sum", 2),
        ("pcgrad", 2),
        ("upgrad", 2),
    ],
)
def test_what_becomes_of_a_task_that_is_to_pull_twice_as_hard(name: str, moved: float) -> None:
    """docs/reference/balancing.md: some combinations undo a weight, by some who pulls harder counts less."""
    jacobian = np.random.default_rng(0).normal(size=(4, 500))  # gradients that hardly have to do with another
    part = {}
    for times in (1.0, 2.0):
        total = combined(name, np.array([[times], [1.0], [1.0], [1.0]]) * jacobian)
        own, *others = np.linalg.lstsq(jacobian.T, total, rcond=None)[0]
        part[times] = own / np.mean(others)
    assert part[2.0] / part[1.0] == pytest.approx(moved, abs=0.1)


def test_pcgrad_of_two_opposed_gradients_by_hand() -> None:
    # g1 = (1, 0), g2 = (-1, 1): <g1, g2> = -1.
    # g1 - (-1/2) g2 = (1/2, 1/2); g2 - (-1/1) g1 = (0, 1); their sum is (1/2, 3/2).
    assert combined("pcgrad", np.array([[1.0, 0.0], [-1.0, 1.0]])) == pytest.approx(np.array([0.5, 1.5]))


def test_pcgrad_acts_on_the_task_not_on_each_parameter() -> None:
    # Opposed in the first parameter, aligned enough in the second: the tasks do not conflict.
    jacobian = np.array([[1.0, 2.0], [-1.0, 2.0]])
    assert combined("pcgrad", jacobian) == pytest.approx(np.array([0.0, 4.0]))


def test_pcgrads_order_is_random_in_the_step_and_the_same_on_every_rank() -> None:
    jacobian = np.array([[1.0, 0.1], [-1.0, 0.2], [0.3, -1.0], [-0.2, 0.7]])
    outcomes = [combined("pcgrad", jacobian, seed=7, step=step) for step in range(20)]
    torch.manual_seed(5)
    np.random.seed(5)
    again = [combined("pcgrad", jacobian, seed=7, step=step) for step in range(20)]
    assert np.array_equal(outcomes, again)
    assert len({tuple(outcome.round(9)) for outcome in outcomes}) > 3
    assert not np.array_equal(outcomes, [combined("pcgrad", jacobian, seed=8, step=s) for s in range(20)])


def test_mgda_of_two_gradients_by_hand() -> None:
    # Sener & Koltun 2018, equation 4: alpha = <g2 - g1, g2> / |g1 - g2|^2, cut to [0, 1].
    jacobian = np.array([[2.0, 0.0], [-1.0, 1.0]])
    alpha = (-3 * -1 + 1 * 1) / 10
    assert mean_scale("mgda", jacobian) == pytest.approx(alpha * jacobian[0] + (1 - alpha) * jacobian[1])
    longer = np.array([[1.0, 0.0], [3.0, 1.0]])  # the shortest point is the end g1
    assert mean_scale("mgda", longer) == pytest.approx(longer[0])


def test_cagrad_with_no_radius_is_the_sum_and_with_one_direction_grows_by_c() -> None:
    jacobian = np.array([[2.0, 0.0], [-1.0, 1.0]])
    assert combined("cagrad", jacobian, c=0.0) == pytest.approx(jacobian.sum(0))
    same = np.array([[1.0, 2.0], [1.0, 2.0]])  # g_w = g_0 for every w: d = (1 + c) g_0
    assert mean_scale("cagrad", same, c=0.5) == pytest.approx(1.5 * same[0])


def test_imtl_g_projects_equally_on_every_gradient() -> None:
    # u1 = (1, 0), u2 = (0, 1); a1 * 2 = a2 * 1 with a1 + a2 = 1: a = (1/3, 2/3), d = (2/3, 2/3).
    assert mean_scale("imtl_g", np.array([[2.0, 0.0], [0.0, 1.0]])) == pytest.approx(np.array([2 / 3, 2 / 3]))
    for jacobian in JACOBIANS.values():
        units = jacobian / np.linalg.norm(jacobian, axis=1, keepdims=True)
        projections = units @ combined("imtl_g", jacobian)
        assert projections == pytest.approx(np.full(len(jacobian), projections[0]), rel=1e-8)


def test_aligned_mtl_makes_orthogonal_gradients_as_long_as_the_shortest() -> None:
    # G = diag(9, 1): c = sqrt(1) * (1/3, 1), so each gradient comes out of length 1.
    assert combined("aligned_mtl", np.diag([3.0, 1.0])) == pytest.approx(np.array([1.0, 1.0]))


def test_nash_mtl_solves_its_equation() -> None:
    # Orthogonal: G a = 1/a gives a_i = 1 / |g_i|, d = (1, 1), cut to length 1.
    assert combined("nash_mtl", np.diag([3.0, 0.5])) == pytest.approx(np.full(2, 0.5**0.5))
    for jacobian in JACOBIANS.values():
        gramian = jacobian @ jacobian.T
        scale = float(np.linalg.norm(gramian))
        weights = combination("nash_mtl")(max_norm=1e9).factors(gramian, 0, 0)
        assert gramian / scale @ weights == pytest.approx(1 / weights, rel=1e-7)


# --- gradients whose lengths differ by orders of magnitude -------------------------------------------


def unequal(jacobian_Kp: np.ndarray, ratio: float) -> np.ndarray:
    """The same directions; the first is as long as it was, and the last by `ratio` shorter."""
    return jacobian_Kp * np.geomspace(1, 1 / ratio, len(jacobian_Kp))[:, None]


@pytest.mark.parametrize("ratio", [1e4, 1e6])
@every(JACOBIANS)
def test_imtl_g_projects_equally_however_unequal_the_lengths(jacobian: np.ndarray, ratio: float) -> None:
    """What one gradient is shorter by than another is none of its business: "impartial"."""
    units = jacobian / np.linalg.norm(jacobian, axis=1, keepdims=True)
    projections = units @ combined("imtl_g", unequal(jacobian, ratio))
    assert projections == pytest.approx(np.full(len(jacobian), projections[0]), rel=1e-5)


def test_imtl_g_of_a_long_and_a_short_gradient_by_hand() -> None:
    # a1 * 2500 = a2 * 1 with a1 + a2 = 2
    found = combination("imtl_g")().factors(np.diag([2500.0**2, 1.0]), 0, 0)
    assert found == pytest.approx(np.array([2 / 2501, 5000 / 2501]))


@pytest.mark.parametrize("ratio", [1e4, 1e6])
@every(JACOBIANS)
def test_aligned_mtl_aligns_however_unequal_the_lengths(jacobian: np.ndarray, ratio: float) -> None:
    """As the singular values of the Jacobian itself say, which a Gramian squares."""
    uneven = unequal(jacobian, ratio)
    left_KK, values_K, right_Kp = np.linalg.svd(uneven, full_matrices=False)
    expected = values_K[-1] * left_KK.sum(0) @ right_Kp
    assert combined("aligned_mtl", uneven) == pytest.approx(expected, rel=1e-4, abs=1e-4 * values_K[-1])


@pytest.mark.parametrize("short", [1e-3, 1e-6, 1e-8])
@pytest.mark.parametrize("angle", [20, 90, 160])
def test_cagrad_goes_on_where_a_task_has_converged(angle: float, short: float) -> None:
    """A short gradient is no reason to stop the others: the step is c |g_0| from the mean, and serves the
    worst served as well as any can, by the dual problem (Liu et al. 2021, equation 4)."""
    radians = np.deg2rad(angle)
    jacobian = np.array([[1.0, 0.0], [short * np.cos(radians), short * np.sin(radians)]])
    mean = jacobian.mean(0)
    radius = 0.4 * np.linalg.norm(mean)
    moved = mean_scale("cagrad", jacobian) - mean
    assert np.linalg.norm(moved) == pytest.approx(radius, rel=1e-6)
    part_N = np.append(np.linspace(0, 10 * short, 20_001), 1.0).clip(0, 1)  # of the long one, in the hull
    hull_N2 = np.outer(part_N, jacobian[0]) + np.outer(1 - part_N, jacobian[1])
    least = (hull_N2 @ mean + radius * np.linalg.norm(hull_N2, axis=1)).min()
    assert (jacobian @ (mean + moved)).min() == pytest.approx(least, rel=1e-3)


# --- what the papers promise -------------------------------------------------------------------------


@every(JACOBIANS | CONFLICTS)
@pytest.mark.parametrize("name", combination_names())
def test_a_common_scale_changes_no_direction(name: str, jacobian: np.ndarray) -> None:
    """Gradients unscaled or not, in any unit: the direction is the same (nash_mtl cuts its length), or there
    is none."""
    scales = (1.0, 65536.0, 2.0**-20)
    directions = [combined(name, scale * jacobian) for scale in scales]
    if np.linalg.norm(directions[0]) < 1e-3:
        lengths = [np.linalg.norm(one) / scale for one, scale in zip(directions, scales, strict=True)]
        assert max(lengths) < 1e-3
        return
    units = [direction / np.linalg.norm(direction) for direction in directions]
    assert units[1] == pytest.approx(units[0], abs=1e-6)
    assert units[2] == pytest.approx(units[0], abs=1e-6)
    if name != "nash_mtl":
        assert directions[1] / 65536.0 == pytest.approx(directions[0], rel=1e-5, abs=1e-7)


@every(JACOBIANS)
def test_nash_mtls_direction_ignores_the_scale_of_each_loss(jacobian: np.ndarray) -> None:
    scaled = jacobian * np.logspace(-3, 3, len(jacobian))[:, None]
    first, second = combined("nash_mtl", jacobian), combined("nash_mtl", scaled)
    assert second / np.linalg.norm(second) == pytest.approx(first / np.linalg.norm(first), abs=1e-8)


@every(JACOBIANS | CONFLICTS)
@pytest.mark.parametrize(
    ("name", "options"), [("mgda", {}), ("upgrad", {}), ("nash_mtl", {}), ("cagrad", {"c": 1.0})]
)
def test_no_loss_rises_in_a_small_step(name: str, options: dict, jacobian: np.ndarray) -> None:
    slopes = jacobian @ combined(name, jacobian, **options)
    assert slopes.min() >= (-1e-3 if stationary(jacobian) else -1e-9)


@every(CONFLICTS)
def test_cagrad_serves_the_worst_served_task_better_than_the_mean(jacobian: np.ndarray) -> None:
    assert (jacobian @ mean_scale("cagrad", jacobian)).min() > (jacobian @ jacobian.mean(0)).min()


@pytest.mark.slow
@pytest.mark.parametrize("name", combination_names())
@pytest.mark.parametrize("start", [(3.0, 2.0), (-2.0, 1.5)])
def test_on_two_quadratics_the_limit_is_pareto_optimal(name: str, start: tuple[float, float]) -> None:
    """|x - a|^2 / 2 and 2 |x - b|^2: the Pareto set is the segment from a to b."""
    a, b, x = np.array([0.0, 0.0]), np.array([1.0, 0.0]), np.array(start)
    for step in range(600):
        direction = combined(name, np.array([x - a, 4 * (x - b)]), step=step)
        x = x - 0.3 / (1 + step / 5) * direction / max(np.linalg.norm(direction), 1e-9)
    nearest = np.array([x[0].clip(0, 1), 0.0])
    assert np.linalg.norm(x - nearest) < 5e-3


@pytest.mark.parametrize("name", ["mgda", "upgrad", "cagrad", "nash_mtl"])
def test_equal_tasks_are_treated_alike(name: str) -> None:
    jacobian = np.array([[1.0, 0.2, 0.0], [0.2, 1.0, 0.0]])
    factors = combination(name)().factors(jacobian @ jacobian.T, 0, 0)
    assert factors[0] == pytest.approx(factors[1], rel=1e-6)


@pytest.mark.parametrize("name", combination_names())
def test_a_gramian_without_a_way_forward_gives_numbers(name: str) -> None:
    """Opposed and equally long, or all the same: finite factors, no exception."""
    for jacobian in (
        np.array([[1.0, 0.0], [-1.0, 0.0]]),
        np.array([[1.0, 2.0]] * 3),
        np.array([[1e-8, 0.0]]),
    ):
        assert np.isfinite(combined(name, jacobian)).all()


@pytest.mark.parametrize("name", ["mgda", "upgrad", "cagrad", "aligned_mtl", "imtl_g", "nash_mtl"])
def test_at_a_pareto_stationary_point_the_step_vanishes(name: str) -> None:
    assert combined(name, np.array([[1.0, 0.0], [-1.0, 0.0]])) == pytest.approx(np.zeros(2), abs=1e-4)


@pytest.mark.parametrize("name", ["imtl_g", "aligned_mtl", "mgda", "upgrad", "cagrad", "pcgrad"])
def test_rounding_in_the_gramian_hardly_moves_the_step(name: str) -> None:
    """Two tasks with one gradient, and a third: the Gramian is singular but for what rounding leaves."""
    jacobian = np.array([[1.0, 2.0, 0.5], [1.0, 2.0, 0.5], [-0.5, 1.0, 1.0]])
    random = np.random.default_rng(0)
    gramian = jacobian @ jacobian.T
    expected = combination(name)().factors(gramian, 0, 0) @ jacobian
    rounding = random.normal(size=(3, 3)) * 1e-4
    found = combination(name)().factors(gramian + rounding @ rounding.T, 0, 0) @ jacobian
    assert found == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", ["mgda", "upgrad", "imtl_g", "nash_mtl"])
def test_between_opposed_gradients_of_unequal_length_nobody_gives_way(name: str) -> None:
    """torchjd's IMTL-G, for one, follows the longer of the two here and leaves the Pareto set."""
    assert combined(name, np.array([[2.0, 0.0], [-1.0, 0.0]])) == pytest.approx(np.zeros(2), abs=1e-4)
