"""Schedules: the closed form is the sum over the steps, the shares are those of the rule, and the past stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.data.mixture.schedules import (
    Knots,
    alternating,
    constant,
    curriculum,
    decayed,
    drawn_before,
    dynamic,
    of,
    record,
)

START, END = {"a": 0.8, "b": 0.2}, {"a": 0.3, "b": 0.7}


def sizes(schedule, rows: float, first: int, last: int) -> np.ndarray:
    return np.diff([drawn_before(schedule, rows, step) for step in range(first, last + 1)])


def test_a_curriculum_goes_from_its_start_to_its_end_and_stays_there() -> None:
    schedules = curriculum(START, END, begin=100, finish=300)
    for task, schedule in schedules.items():
        share = [schedule.total(step + 1) - schedule.total(step) for step in range(400)]
        assert share[:100] == pytest.approx([START[task]] * 100)
        assert share[300:] == pytest.approx([END[task]] * 100)
        assert share[199] + share[200] == pytest.approx(START[task] + END[task])  # half-way, on the line
        assert np.diff(share)[101:298] == pytest.approx(np.full(197, (END[task] - START[task]) / 200))


@given(step=st.integers(0, 10**9), rows=st.floats(1, 500))
def test_every_step_holds_its_rows_up_to_rounding_whatever_the_schedule(step: int, rows: float) -> None:
    for schedules in (curriculum(START, END, 0, 1000), dynamic([(0, START), (50, END)], 16), constant(START)):
        total = sum(sizes(schedule, rows, step, step + 1)[0] for schedule in schedules.values())
        assert abs(total - rows) < 2 + 1e-6
        for schedule in schedules.values():
            share = schedule.total(step + 1) - schedule.total(step)
            assert abs(sizes(schedule, rows, step, step + 1)[0] - rows * share) < 1 + 1e-3


@given(
    steps=st.lists(st.integers(1, 50), min_size=1, max_size=6),
    shares=st.lists(st.floats(0, 1), min_size=7, max_size=7),
)
def test_the_closed_form_is_the_sum_of_the_share_at_every_half_step(
    steps: list[int], shares: list[float]
) -> None:
    at = tuple(int(step) for step in np.cumsum([0, *steps]))
    knots = Knots(at, tuple(shares[: len(at)]))
    middles = np.interp(np.arange(400) + 0.5, at, shares[: len(at)])
    assert [knots.total(step) for step in range(401)] == pytest.approx([0.0, *np.cumsum(middles)], abs=1e-9)


def test_an_auxiliary_task_fades_and_the_others_keep_their_proportions() -> None:
    schedules = decayed({"a": 2 / 3, "b": 1 / 3}, {"help": (0.4, 0.1, 0, 100), "more": (0.2, 0.0, 0, 50)})
    start = {task: schedule.at(0) for task, schedule in schedules.items()}
    assert start == pytest.approx({"a": 0.4 * 2 / 3, "b": 0.4 / 3, "help": 0.4, "more": 0.2})
    end = {task: schedule.total(501) - schedule.total(500) for task, schedule in schedules.items()}
    assert end == pytest.approx({"a": 0.6, "b": 0.3, "help": 0.1, "more": 0.0})
    for step in range(120):
        assert sum(schedule.at(step) for schedule in schedules.values()) == pytest.approx(1)
        assert schedules["a"].at(step) == pytest.approx(2 * schedules["b"].at(step))


def test_an_auxiliary_task_may_come_before_the_others_and_then_fade() -> None:
    schedules = decayed({"a": 1.0}, {"first": (0.9, 0.0, 30, 40)})
    assert [schedules["first"].at(step) for step in (0, 15, 30, 35, 40, 99)] == pytest.approx(
        [0.9, 0.9, 0.9, 0.45, 0, 0]
    )
    assert [schedules["a"].at(step) for step in (0, 30, 35, 40)] == pytest.approx([0.1, 0.1, 0.55, 1])


def test_what_was_decided_holds_from_the_next_window_and_never_changes_the_past() -> None:
    before = dynamic([(0, START), (40, END)], window=16)
    after = dynamic([(0, START), (40, END), (100, START)], window=16)
    for task in ("a", "b"):
        assert sizes(before[task], 10.0, 0, 48).sum() == round(480 * START[task])
        assert sizes(before[task], 10.0, 48, 148).sum() == round(1000 * END[task])
        assert np.array_equal(sizes(before[task], 10.0, 0, 112), sizes(after[task], 10.0, 0, 112))
        assert sizes(after[task], 10.0, 112, 212).sum() == round(1000 * START[task])


def test_alternating_blocks_take_turns_and_round_robin_is_blocks_of_one() -> None:
    schedules = alternating({"a": 2, "b": 1, "c": 3})
    turns = {task: sizes(schedule, 8.0, 0, 12).tolist() for task, schedule in schedules.items()}
    assert turns["a"] == [8, 8, 0, 0, 0, 0] * 2
    assert turns["b"] == [0, 0, 8, 0, 0, 0] * 2
    assert turns["c"] == [0, 0, 0, 8, 8, 8] * 2
    robin = alternating(dict.fromkeys("abc", 1))
    assert [sizes(robin[task], 5.0, 999_999, 1_000_002).tolist() for task in "abc"] == [
        [5, 0, 0],
        [0, 5, 0],
        [0, 0, 5],
    ]


def test_a_schedule_survives_json() -> None:
    for schedule in (*curriculum(START, END, 5, 9).values(), *alternating({"a": 2, "b": 3}).values()):
        recorded = record(schedule)
        assert recorded is not None
        assert of(type(recorded).model_validate_json(recorded.model_dump_json())) == schedule
