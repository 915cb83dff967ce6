"""Adam for the one number that a weighting learns per task."""

from __future__ import annotations

import math
from collections.abc import Mapping

INITIAL: Mapping[str, float] = {"mean": 0.0, "square": 0.0, "steps": 0.0}
FIRST, SECOND, EPSILON = 0.9, 0.999, 1e-8


def adam(memory: dict[str, float], gradient: float, rate: float) -> float:
    """The change of the number (Kingma & Ba 2015, algorithm 1); `memory` holds INITIAL and moves on.

    Each task counts its own steps, so that one which is drawn seldom is corrected as it should be.
    """
    memory["steps"] += 1
    memory["mean"] = FIRST * memory["mean"] + (1 - FIRST) * gradient
    memory["square"] = SECOND * memory["square"] + (1 - SECOND) * gradient**2
    mean = memory["mean"] / (1 - FIRST ** int(memory["steps"]))
    square = memory["square"] / (1 - SECOND ** int(memory["steps"]))
    return -rate * mean / (math.sqrt(square) + EPSILON)
