"""What is known of a share of few rows, and of a count that is low.

Legend: C shares.
"""

from __future__ import annotations

import numpy as np

FEW = 10  # rows right, or wrong; a normal approximation of so many is not to be trusted


def fewest(count: float, alpha: float) -> float:
    """The mean of the Poisson distribution that is at this count or above it with the probability `alpha`; of
    more than a few the count itself, which bounds nothing."""
    from scipy.special import gammaincinv

    return float(gammaincinv(count, alpha)) if 0 < count <= FEW else count


def wilson_ends(hits_C: np.ndarray, count_C: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    """low_C and high_C of shares (Wilson 1927); 0 and 1 of none."""
    some_C = np.maximum(count_C, 1)
    share_C, weight_C = hits_C / some_C, z**2 / some_C
    half_C = np.sqrt(weight_C * share_C * (1 - share_C) + weight_C**2 / 4)
    ends = ((share_C + weight_C / 2 + sign * half_C) / (1 + weight_C) for sign in (-1, 1))
    low_C, high_C = (end_C.clip(0, 1) for end_C in ends)
    return np.where(count_C > 0, low_C, 0.0), np.where(count_C > 0, high_C, 1.0)
