from __future__ import annotations

import pytest

from benchmarks.queues import latencies, missed, steady, too_late


@pytest.mark.slow
def test_one_request_a_pass_is_the_queue_of_pollaczek_and_khinchine() -> None:
    for load in (0.3, 0.8):
        expected = 1 + load / (2 * (1 - load))  # M/D/1, with a second for each request
        assert latencies(0.0, 1.0, 1, load, 50_000).mean() == pytest.approx(expected, rel=0.05)


def test_passes_that_are_shared_shorten_the_queue_and_nobody_is_faster_than_alone() -> None:
    slowest = [steady(0.01, gain * 100, 32, 0.8, 0.99) for gain in (1.0, 1.5, 2.5)]
    assert slowest == sorted(slowest, reverse=True)
    assert 12 < slowest[-1] < slowest[0] < 18
    assert steady(0.01, 200, 32, 0.01, 0.5) == pytest.approx(1, rel=0.01)


def test_who_never_waits_loses_what_erlang_says_and_who_may_wait_loses_less() -> None:
    for load in (0.3, 0.9):
        assert too_late(1.0, 1.0, load) == pytest.approx(load / (1 + load), rel=0.03)
    found = [too_late(1.0, patience, 0.9) for patience in (1.0, 2.0, 4.0, 40.0)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.002


def test_no_queue_misses_fewer_than_the_bound() -> None:
    """Nor does that of today, which takes whoever waits."""
    for gain, share in ((2.0, 0.8), (2.0, 0.4), (4.0, 0.8)):
        fixed, each = (1 - (32 / gain - 1) / 31), (32 / gain - 1) / 31
        late = (latencies(fixed, each, 32, share * gain) > 4).mean()
        assert missed(1.0, gain, 32, share, 4.0) <= late
    assert missed(1.0, 2.0, 32, 0.8, 4.0) > 0.03
