"""A run that goes on from a release draws more often the rows that are new since, and the old ones with them.

In each epoch a new row comes so often that the old ones are still a given share of what is drawn (experience
replay: Rolnick et al. 2019), but no row more than eight times: a few new rows would be learnt by heart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

MOST = 8  # times that a row is drawn in an epoch


def times(new: int, old: int, share: float) -> int:
    """How often an epoch has each of so many new rows, where the old ones are to be at least this share."""
    if not new or not old:
        return 1
    return min(MOST, max(1, math.floor((1 - share) / share * old / new)))


def repeated(rows: np.ndarray, new: Sequence[int], times: int) -> np.ndarray:
    """Some row numbers, the new ones among them so many times in a row."""
    return np.repeat(rows, np.where(np.isin(rows, np.asarray(new, dtype=np.int64)), times, 1))
