from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from serving.questions import Asked
from serving.waiting import Ticket, Waiting


def ticket(*sizes: float) -> Ticket:
    return Ticket([Asked([], size) for size in sizes], lambda _: None)


def taken(waiting: Waiting) -> list[Ticket]:
    found = []
    while place := waiting.take(wait=False):
        found.append(place.ticket)
    return found


def test_a_large_request_holds_up_none_that_comes_later() -> None:
    waiting, large, small = Waiting(), ticket(*[10.0] * 64), ticket(10.0)
    waiting.add(large)
    first = [waiting.take(wait=False) for _ in range(3)]
    waiting.add(small)
    assert [place.ticket for place in first if place] == [large] * 3
    assert small in taken(waiting)[:2]


def test_a_large_request_has_its_share_beside_callers_who_ask_again_at_once() -> None:
    """A hundred of them, as many as keep the model busy: for each of their texts it has one."""
    waiting, large = Waiting(), ticket(*[10.0] * 8)
    waiting.add(large)
    for _ in range(100):
        waiting.add(ticket(10.0))
    served = 0
    for _ in range(8 * 101):
        place = waiting.take(wait=False)
        assert place
        if place.ticket is large:
            served += 1
        else:
            waiting.add(ticket(10.0))
    assert served == 8


def test_two_requests_take_turns_by_size_not_by_number() -> None:
    waiting, many, few = Waiting(), ticket(*[1.0] * 30), ticket(*[10.0] * 3)
    waiting.add(many)
    waiting.add(few)
    order = taken(waiting)
    places = [place for place, one in enumerate(order) if one is few]
    assert places[0] < 2
    assert all(9 <= later - before <= 12 for before, later in pairwise(places))


def test_who_comes_first_of_equals_is_first() -> None:
    waiting, tickets = Waiting(), [ticket(5.0) for _ in range(9)]
    for one in tickets:
        waiting.add(one)
    assert taken(waiting) == tickets


def test_what_a_caller_who_left_has_asked_is_passed_over_and_does_not_count() -> None:
    waiting, gone, here = Waiting(), ticket(5.0, 5.0), ticket(5.0)
    waiting.add(gone)
    waiting.add(here)
    gone.open = False
    assert taken(waiting) == [here]
    assert waiting.size == 0


def test_what_a_caller_who_left_has_asked_is_no_work_from_then_on() -> None:
    waiting, gone, here = Waiting(), ticket(5.0, 5.0), ticket(7.0)
    waiting.add(gone)
    waiting.add(here)
    waiting.leave(gone)
    assert waiting.size == 7.0
    assert taken(waiting) == [here]
    waiting.leave(here)
    assert waiting.size == 0


def test_a_text_that_was_taken_too_early_comes_again_and_pays_for_its_size() -> None:
    waiting, larger, other = Waiting(), ticket(1.0, 1.0), ticket(3.0, 3.0)
    waiting.add(larger)
    place = waiting.take(wait=False)
    assert place
    waiting.add(other)
    place.item.size = 50.0  # as is known once it is tokenised
    waiting.back(place)
    assert waiting.size == 50.0 + 1.0 + 6.0
    assert [one is other for one in taken(waiting)][-1] is False


@given(st.lists(st.lists(st.floats(1, 500), min_size=1, max_size=9), max_size=9))
def test_every_text_is_taken_once(requests: list[list[float]]) -> None:
    waiting, tickets = Waiting(), [ticket(*sizes) for sizes in requests]
    for one in tickets:
        waiting.add(one)
    found = taken(waiting)
    assert [found.count(one) for one in tickets] == [len(sizes) for sizes in requests]
    assert waiting.size == 0
