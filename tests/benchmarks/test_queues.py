from __future__ import annotations

import pytest

from benchmarks.queues import latencies, steady


def test_one_request_a_pass_is_the_queue_of_pollaczek_and_khinchine() -> None:
    for load in (0.3, 0.8):
        expected = 1 + load / (2 * (1 - load))  # M/D/1, with a second for each request
        assert latencies(0.0, 1.0, 1, load, 50_000).mean() == pytest.approx(expected, rel=0.05)


def test_passes_that_are_shared_shorten_the_queue_and_nobody_is_faster_than_alone() -> None:
    slowest = [steady(0.01, gain * 100, 32, 0.8, 0.99) for gain in (1.0, 1.5, 2.5)]
    assert slowest == sorted(slowest, reverse=True)
    assert 12 < slowest[-1] < slowest[0] < 18
    assert steady(0.01, 200, 32, 0.01, 0.5) == pytest.approx(1, rel=0.01)
