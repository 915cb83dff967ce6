"""What the best queue could reach, by simulation: one model, whose pass takes whoever waits."""

from __future__ import annotations

import numpy as np


def latencies(fixed: float, each: float, most: int, rate: float, requests: int = 20_000) -> np.ndarray:
    """Seconds of each of so many `requests`, which come at random moments (Poisson), `rate` a second.

    A pass takes all who wait, `most` at once, and `fixed` seconds and `each` for every one of them.
    """
    came = np.cumsum(np.random.default_rng(0).exponential(1 / rate, requests))
    ended, first, now = np.empty(requests), 0, 0.0
    while first < requests:
        now = max(now, came[first])
        after = min(int(np.searchsorted(came, now, side="right")), first + most)
        now += fixed + each * (after - first)
        ended[first:after] = now
        first = after
    return np.subtract(ended, came)


def steady(lone: float, capacity: float, callers: int, share: float, quantile: float) -> float:
    """The quantile of the latencies at a share of the capacity, over `lone`, the seconds of a request alone.

    `capacity`: requests a second of so many callers who ask again at once, and so share each pass.
    """
    each = (callers / capacity - lone) / (callers - 1)
    found = latencies(lone - each, each, callers, share * capacity)
    return float(np.quantile(found, quantile)) / lone
