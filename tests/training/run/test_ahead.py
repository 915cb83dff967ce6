"""What is needed next is made ahead, and only what was asked for is given."""

from __future__ import annotations

import threading

import pytest

from components.training.run.ahead import Ahead


def test_the_next_values_are_made_before_they_are_asked_for_each_once() -> None:
    made = {key: threading.Event() for key in (1, 2, 3)}
    seen: list[int] = []

    def make(key: int) -> int:
        seen.append(key)
        made[key].set()
        return key

    ahead = Ahead(make)
    assert ahead.take(1, [2, 3]) == 1
    assert made[2].wait(60) and made[3].wait(60)
    assert ahead.take(2, [3]) == 2
    assert ahead.take(3, []) == 3
    ahead.close()
    assert seen == [1, 2, 3]


def test_wrong_guesses_are_thrown_away_with_their_errors() -> None:
    def make(key: int) -> int:
        if key == 2:
            raise ValueError("no such step")
        return 10 * key

    ahead = Ahead(make)
    assert ahead.take(1, [2, 3]) == 10
    assert ahead.take(4, [5]) == 40
    assert ahead.take(5, []) == 50
    ahead.close()


def test_an_error_of_what_was_made_ahead_is_raised_where_it_is_asked_for() -> None:
    ahead = Ahead(lambda key: 1 // key)
    assert ahead.take(1, [0]) == 1
    with pytest.raises(ZeroDivisionError):
        ahead.take(0, [])
    ahead.close()
