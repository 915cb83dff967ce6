"""What a queue before one model could reach, by simulation: as passes take whoever waits, and by any order
(docs/decisions/0086-what-a-queue-can-reach.md)."""

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
    fixed, each = costs(lone, capacity, callers)
    found = latencies(fixed, each, callers, share * capacity)
    return float(np.quantile(found, quantile)) / lone


def costs(lone: float, capacity: float, callers: int) -> tuple[float, float]:
    """Seconds of a pass, and besides of each request in it."""
    each = (callers / capacity - lone) / (callers - 1)
    return lone - each, each


def missed(lone: float, capacity: float, callers: int, share: float, times: float) -> float:
    """The least share of requests that take longer than `times` the `lone` one, in whatever order and passes,
    at a share of the capacity.

    A pass of more than so many is itself too long for all in it; none that is short enough costs less for
    each than the fullest. Whoever takes just that for each, one after the other, and begins with none that
    would be late, misses the fewest (Panwar, Towsley & Wolf 1988).
    """
    fixed, each = costs(lone, capacity, callers)
    fullest = max(1, int((times * lone - fixed) / each + 1e-9))
    return too_late((fixed + each * fullest) / fullest, times * lone, share * capacity)


def too_late(each: float, patience: float, rate: float, requests: int = 100_000) -> float:
    """The share of requests, `rate` a second at random moments, that are not done within their `patience`,
    where each takes as long and those that would be late are left out."""
    free, late = 0.0, 0
    for came in np.cumsum(np.random.default_rng(0).exponential(1 / rate, requests)):
        ended = max(came, free) + each
        if ended > came + patience + 1e-9 * each:
            late += 1
        else:
            free = ended
    return late / requests
