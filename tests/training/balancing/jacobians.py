"""Explicit Jacobians, and what a combination makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.training.balancing import combination

JACOBIANS = {
    f"{rows} tasks, seed {seed}": np.random.default_rng(seed).normal(size=(rows, 12))
    * np.random.default_rng(seed + 100).uniform(0.3, 3, size=(rows, 1))
    for rows in (2, 3, 5)
    for seed in range(3)
}
CONFLICTS = {  # hard ones: few dimensions, so that gradients oppose each other
    f"{rows} tasks in {columns} dimensions, seed {seed}": np.random.default_rng(seed).normal(
        size=(rows, columns)
    )
    for rows, columns in ((2, 2), (3, 3), (4, 3))
    for seed in range(3)
}


def combined(
    name: str, jacobian_Kp: np.ndarray, seed: int = 0, step: int = 0, **options: float
) -> np.ndarray:
    """sum_i c_i g_i."""
    factors_K = combination(name)(**options).factors(jacobian_Kp @ jacobian_Kp.T, seed, step)
    return np.asarray(factors_K @ jacobian_Kp)


def mean_scale(name: str, jacobian_Kp: np.ndarray, **options: Any) -> np.ndarray:
    """The same on the papers' scale, that of a mean."""
    return combined(name, jacobian_Kp, **options) / len(jacobian_Kp)


def every(jacobians: dict[str, np.ndarray]) -> pytest.MarkDecorator:
    """A case for each Jacobian, called as it is."""
    return pytest.mark.parametrize("jacobian", jacobians.values(), ids=jacobians.keys())
