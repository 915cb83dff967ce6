"""Synthetic lengths like those of short texts."""

from __future__ import annotations

import numpy as np


def lengths(rows: int, seed: int) -> np.ndarray:
    """lengths_N in tokens: lognormal, mean 30, tail to 256."""
    return np.random.default_rng(seed).lognormal(3.05, 0.85, rows).clip(3, 256).astype(np.int64)
