"""The Gramian against numpy's on the whole Jacobian, to the last digits; affinity as a running mean."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from components.training.balancing import gramian as module
from components.training.balancing.gramian import Affinity, cosines, gramian


def gradients(dtype: torch.dtype = torch.float32) -> list[list[torch.Tensor | None]]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(7, 5), (11,), (3, 2, 2)]
    return [[torch.randn(shape, generator=generator).to(dtype) for shape in shapes] for _ in range(4)]


def jacobian(of_tasks: list[list[torch.Tensor | None]]) -> np.ndarray:
    parts = [
        [
            np.zeros(like.numel()) if g is None else g.double().numpy().ravel()
            for g, like in zip(task, gradients()[0], strict=True)
        ]
        for task in of_tasks
    ]
    return np.array([np.concatenate(part) for part in parts])


@pytest.mark.parametrize("block", [1, 4, 1 << 14])
def test_it_is_that_of_the_whole_jacobian_in_blocks_of_any_size(block: int, monkeypatch) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    whole = jacobian(gradients())
    assert gramian(gradients()) == pytest.approx(whole @ whole.T, rel=1e-6, abs=1e-5)


def test_a_parameter_that_a_task_does_not_reach_counts_as_zero() -> None:
    some = gradients()
    some[1][0] = some[2][2] = None
    whole = jacobian(some)
    assert gramian(some) == pytest.approx(whole @ whole.T, rel=1e-6, abs=1e-5)
    nobody = [[None, None], [None, None]]
    assert np.array_equal(gramian(nobody), np.zeros((2, 2)))


def test_many_small_parameters_count_beside_a_large_one() -> None:
    """In single precision, 1e8 + 1 is 1e8, however often the 1 is added."""
    large, small = torch.full((1,), 1e4), torch.ones(1)
    assert gramian([[large, *[small] * 2000]]).item() == pytest.approx(1e8 + 2000, rel=1e-9)


def test_orthogonal_gradients_stay_so_to_a_millionth() -> None:
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(1 << 20, generator=generator)
    second = torch.stack([first[1::2], -first[0::2]], dim=1).reshape(-1)  # <first, second> = 0 exactly
    assert abs(cosines(gramian([[first], [second]]))[0, 1]) < 1e-6


def test_gradients_of_half_precision_do_not_overflow() -> None:
    large = torch.full((4,), 60000.0, dtype=torch.float16)
    assert gramian([[large], [large]])[0, 1] == pytest.approx(4 * float(large[0]) ** 2)


def test_cosines_by_hand() -> None:
    rows = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    half = math.sqrt(0.5)
    expected = np.array([[1, half, 0], [half, 1, 0], [0, 0, 0]])
    assert cosines(rows @ rows.T) == pytest.approx(expected)


def test_affinity_is_the_mean_over_the_steps_that_drew_both_tasks() -> None:
    affinity = Affinity()
    same, opposed = np.array([[1.0, 2.0], [2.0, 4.0]]), np.array([[4.0, -1.0], [-1.0, 1.0]])
    affinity.update(["a", "b"], same)  # cosine 1
    affinity.update(["b", "a"], opposed)  # -1/2
    affinity.update(["a", "c"], np.eye(2))  # 0
    resumed = Affinity(json.loads(json.dumps(affinity.pairs)))
    matrix = resumed.matrix(["a", "b", "c"])
    assert matrix == pytest.approx(np.array([[1, 0.25, 0], [0.25, 1, np.nan], [0, np.nan, 1]]), nan_ok=True)
