"""How much of the host's work is hidden: all of it, or what begins in time and is no slower meanwhile."""

from __future__ import annotations

import threading
import time

import pytest

from benchmarks import hidden


@pytest.mark.slow  # for it sleeps long enough that a busy machine is not mistaken for work
@pytest.mark.parametrize(("slower", "least", "most"), [(1, 0.7, 1.0), (2, -0.5, 0.3)])
def test_work_that_is_slower_beside_the_loop_is_not_hidden(slower: int, least: float, most: float) -> None:
    """Twice as slow, half of it is left when the device is done."""

    def make(step: int) -> None:
        beside = threading.current_thread() is not threading.main_thread()
        time.sleep(0.1 * (slower if beside else 1))

    assert least < hidden.of(make, 5) < most
