"""What is needed next is made ahead, and only what was asked for is given."""

from __future__ import annotations

import threading

import pytest

from components.training.run.ahead import Ahead


def test_the_next_value_is_made_before_it_is_asked_for() -> None:
    made = {key: threading.Event() for key in (1, 2)}
    ahead = Ahead(lambda key: made[key].set() or key)
    assert ahead.take(1, 2) == 1
    assert made[2].wait(60)
    assert ahead.take(2, None) == 2
    ahead.close()


def test_a_wrong_guess_is_thrown_away_with_its_error() -> None:
    seen: list[int] = []

    def make(key: int) -> int:
        seen.append(key)
        if key == 2:
            raise ValueError("no such step")
        return 10 * key

    ahead = Ahead(make)
    assert ahead.take(1, 2) == 10
    assert ahead.take(3, None) == 30
    ahead.close()
    assert seen == [1, 2, 3]


def test_an_error_of_what_was_made_ahead_is_raised_where_it_is_asked_for() -> None:
    ahead = Ahead(lambda key: 1 // key)
    assert ahead.take(1, 0) == 1
    with pytest.raises(ZeroDivisionError):
        ahead.take(0, None)
    ahead.close()
