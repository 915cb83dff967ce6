"""Each is made once and in its order, and one is made before it is asked for."""

from __future__ import annotations

import threading

import pytest

from components.data.encoding.one_ahead import one_ahead


def test_the_next_is_made_while_the_one_before_is_used() -> None:
    made = {number: threading.Event() for number in range(4)}

    def make(number: int) -> int:
        made[number].set()
        return 10 * number

    for number, found in enumerate(one_ahead(make, range(4))):
        assert found == 10 * number
        assert made[min(number + 1, 3)].wait(60)
        assert number > 1 or not made[number + 2].is_set()  # and no more, which would take memory


def test_an_error_is_raised_in_the_place_of_what_was_to_be_made() -> None:
    seen = []
    with pytest.raises(ZeroDivisionError):
        for found in one_ahead(lambda number: 6 // number, [3, 2, 0, 1]):
            seen.append(found)
    assert seen == [2, 3]


def test_of_nothing_nothing_is_made() -> None:
    assert list(one_ahead(str, [])) == []
