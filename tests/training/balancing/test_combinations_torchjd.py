"""Combinations against torchjd and slow, independent solvers, on explicit Jacobians.

torchjd shares no code with ours. Three of its methods need solvers that are not among our tools
(quadprog and ECOS are GPL); for those it is asked where they are installed, and always its
published outputs and a slow, independent solver are.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torchjd import aggregation
from torchjd.linalg import DualConeProjector

from components.keyed import derive_seed
from components.training.balancing import combination
from tests.training.balancing.jacobians import CONFLICTS, JACOBIANS, combined, every, mean_scale

TORCHJD_EXAMPLE = np.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])

PUBLISHED = {  # torchjd's documented outputs for its example, to its four digits
    ("mgda", ()): [0.0, 1.0, 1.0],
    ("cagrad", (("c", 0.5),)): [0.1835, 1.2041, 1.2041],
    ("imtl_g", ()): [0.0767, 1.0, 1.0],
    ("aligned_mtl", ()): [0.2133, 0.9673, 0.9673],
}


@pytest.mark.parametrize(("method", "expected"), PUBLISHED.items(), ids=[name for name, _ in PUBLISHED])
def test_the_published_outputs_of_torchjd(method, expected) -> None:
    name, options = method
    assert mean_scale(name, TORCHJD_EXAMPLE, **dict(options)) == pytest.approx(np.array(expected), abs=6e-5)


def test_the_published_outputs_of_torchjd_on_other_scales() -> None:
    assert combined("pcgrad", TORCHJD_EXAMPLE) == pytest.approx(np.array([0.5848, 3.8012, 3.8012]), abs=6e-5)
    # torchjd stops its iteration at 1e-3 of the equation, and adds 1e-4 to UPGrad's diagonal.
    assert combined("nash_mtl", TORCHJD_EXAMPLE) == pytest.approx(
        np.array([0.0542, 0.7061, 0.7061]), abs=2e-3
    )
    assert mean_scale("upgrad", TORCHJD_EXAMPLE) == pytest.approx(
        np.array([0.2929, 1.9004, 1.9004]), abs=1e-3
    )


@every({name: one for name, one in (JACOBIANS | CONFLICTS).items() if len(one) <= one.shape[1]})
def test_imtl_g_is_torchjds_where_a_direction_serves_all_gradients_alike(jacobian: np.ndarray) -> None:
    """Of more gradients than dimensions none does, and torchjd returns one that serves none."""
    expected = aggregation.IMTLG()(torch.tensor(jacobian)).numpy()
    assert mean_scale("imtl_g", jacobian) == pytest.approx(expected, abs=1e-5)


@every(JACOBIANS | CONFLICTS)
def test_aligned_mtl_is_torchjds(jacobian: np.ndarray) -> None:
    expected = aggregation.AlignedMTL()(torch.tensor(jacobian)).numpy()
    assert mean_scale("aligned_mtl", jacobian) == pytest.approx(expected, abs=1e-5)


@every(JACOBIANS | CONFLICTS)
def test_mgda_is_torchjds_and_where_its_iteration_is_still_on_its_way_shorter(jacobian: np.ndarray) -> None:
    expected = aggregation.MGDA(epsilon=1e-12, max_iters=300)(torch.tensor(jacobian)).numpy()
    ours = mean_scale("mgda", jacobian)
    assert np.linalg.norm(ours) <= np.linalg.norm(expected) + 1e-9
    assert ours == pytest.approx(expected, abs=1e-5 if len(jacobian) == 2 else 0.05)


@every(CONFLICTS)
def test_pcgrad_is_torchjds_given_the_same_order(jacobian: np.ndarray, monkeypatch) -> None:
    for step in range(3):
        random = np.random.default_rng(derive_seed(0, "pcgrad", step))
        monkeypatch.setattr(torch, "randperm", lambda n, random=random: torch.tensor(random.permutation(n)))
        expected = aggregation.PCGrad()(torch.tensor(jacobian)).numpy()
        assert combined("pcgrad", jacobian, step=step) == pytest.approx(expected, abs=1e-9)


class SlowProjector(DualConeProjector):
    """torchjd's quadratic program, min v^T G v with v >= u, by a general solver."""

    def __call__(self, U: torch.Tensor, G: torch.Tensor) -> torch.Tensor:
        gramian = G.numpy() / np.trace(G.numpy())

        def solve(u: np.ndarray) -> np.ndarray:
            found = minimize(
                lambda v: (v @ gramian @ v, 2 * gramian @ v),
                u + 0.1,
                jac=True,
                method="L-BFGS-B",
                bounds=[(bound, None) for bound in u],
                options={"ftol": 1e-16, "gtol": 1e-12, "maxiter": 5000},
            )
            return found.x

        return torch.tensor(np.array([solve(u) for u in U.numpy()]))


@every(JACOBIANS | CONFLICTS)
def test_upgrad_is_torchjds_with_a_general_solver(jacobian: np.ndarray) -> None:
    expected = aggregation.UPGrad(projector=SlowProjector())(torch.tensor(jacobian)).numpy()
    assert mean_scale("upgrad", jacobian) == pytest.approx(expected, abs=1e-5)


def test_upgrad_is_torchjds() -> None:
    pytest.importorskip("quadprog")
    from torchjd.linalg import QuadprogProjector

    aggregator = aggregation.UPGrad(projector=QuadprogProjector(reg_eps=1e-10))
    for jacobian in (JACOBIANS | CONFLICTS).values():
        expected = aggregator(torch.tensor(jacobian)).numpy()
        assert mean_scale("upgrad", jacobian) == pytest.approx(expected, abs=1e-5)


def test_cagrad_is_torchjds() -> None:
    pytest.importorskip("cvxpy")
    for jacobian in (JACOBIANS | CONFLICTS).values():
        expected = aggregation.CAGrad(c=0.4)(torch.tensor(jacobian)).numpy()
        assert mean_scale("cagrad", jacobian) == pytest.approx(expected, abs=1e-5)


def test_nash_mtl_is_torchjds() -> None:
    pytest.importorskip("ecos")
    for jacobian in JACOBIANS.values():
        aggregator = aggregation.NashMTL(n_tasks=len(jacobian), optim_niter=200)
        expected = aggregator(torch.tensor(jacobian)).numpy()
        assert combined("nash_mtl", jacobian) == pytest.approx(expected, abs=2e-3)


@every(JACOBIANS | CONFLICTS)
@pytest.mark.parametrize("c", [0.2, 0.4, 0.9])
def test_cagrad_solves_the_papers_problem_in_the_primal(c: float, jacobian: np.ndarray) -> None:
    """max over d of min_i <g_i, d>, |d - g_0| <= c |g_0|: no direction of the ball does better (equation 1),
    as a general solver finds it in the space of the parameters."""
    mean = jacobian.mean(0)
    radius = c * np.linalg.norm(mean)
    ours = mean_scale("cagrad", jacobian, c=c)
    assert np.linalg.norm(ours - mean) <= radius * (1 + 1e-9)
    basis = np.linalg.qr(jacobian.T)[0]  # the best d lies in the gradients' span
    rows = jacobian @ basis
    found = minimize(
        lambda x: -x[-1],
        np.append(mean @ basis, (jacobian @ mean).min()),
        jac=lambda x: np.append(np.zeros(len(x) - 1), -1.0),
        method="SLSQP",
        constraints=[
            {
                "type": "ineq",
                "fun": lambda x: rows @ x[:-1] - x[-1],
                "jac": lambda x: np.c_[rows, -np.ones(len(rows))],
            },
            {
                "type": "ineq",
                "fun": lambda x: radius**2 - ((x[:-1] - mean @ basis) ** 2).sum(),
                "jac": lambda x: np.append(-2 * (x[:-1] - mean @ basis), 0.0),
            },
        ],
        options={"ftol": 1e-13, "maxiter": 1000},
    )
    assert (jacobian @ ours).min() >= -found.fun - 1e-6
    assert basis @ found.x[:-1] == pytest.approx(ours, abs=1e-4)


@every(JACOBIANS | CONFLICTS)
def test_mgda_is_the_shortest_vector_of_the_hull(jacobian: np.ndarray) -> None:
    """The conditions of optimality: <g_i, d> >= |d|^2, with equality where a weight is positive."""
    weights = combination("mgda")().factors(jacobian @ jacobian.T, 0, 0) / len(jacobian)
    direction = weights @ jacobian
    surplus = jacobian @ direction - direction @ direction
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    assert surplus.min() >= -1e-9
    assert np.abs(weights * surplus).max() < 1e-9


@every(JACOBIANS)
def test_nash_mtl_maximises_the_product_of_gains(jacobian: np.ndarray) -> None:
    """Its definition: of the directions of length 1 it has the largest sum of log <g_i, d>."""
    direction = combined("nash_mtl", jacobian)
    direction /= np.linalg.norm(direction)
    start = np.linalg.lstsq(jacobian, np.ones(len(jacobian)), rcond=None)[0]
    span = np.linalg.qr(jacobian.T)[0]
    rows = jacobian @ span

    def loss(x: np.ndarray) -> float:
        gains = rows @ x
        return np.inf if gains.min() <= 0 else -np.log(gains).sum() + len(rows) * np.log(np.linalg.norm(x))

    found = minimize(
        loss, start @ span, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 20000}
    )
    assert loss(direction @ span) <= found.fun + 1e-9
