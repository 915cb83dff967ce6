"""What is significant of many tests at once: Holm's step-down procedure."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def holm(p_values: Mapping[Name, float], alpha: float) -> set[Name]:
    """The tests that are significant: in at most a share `alpha` of the cases one is so by chance (Holm
    1979). A test whose p-value is no number tells nothing, and does not count."""
    known = {name: p for name, p in p_values.items() if math.isfinite(p)}
    significant = set()
    for rank, name in enumerate(sorted(known, key=lambda name: known[name])):
        if known[name] > alpha / (len(known) - rank):
            break
        significant.add(name)
    return significant
