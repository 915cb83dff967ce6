"""Where things stand in a drawing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.pages.charts import HEIGHT, LINE, TOP, Limit, Value, lines, matrix, spread, strip, ticks


def test_lines_stand_where_their_values_belong() -> None:
    drawn = lines({"a": [(5, 1.0), (10, 3.0)], "b": [(10, 2.0)]}, mark=5)
    axes = drawn.axes
    first, last = drawn.lines[0].dots
    assert (first.x, last.x) == pytest.approx(((axes.left + axes.right) / 2, axes.right), abs=0.1)
    assert (first.y, last.y) == (axes.bottom, TOP)  # the scale is 1 to 3
    assert drawn.lines[1].dots[0].y == (axes.bottom + TOP) / 2
    assert drawn.mark == first.x
    assert [line.label for line in drawn.lines] == ["a 3", "b 2"]


def test_a_series_of_its_own_is_not_named_and_one_without_points_is_left_out() -> None:
    drawn = lines({"a": [(5, 1.0), (10, 3.0)], "b": []})
    assert [line.label for line in drawn.lines] == ["3"]
    assert lines({"a": []}).lines == []


def test_a_value_that_never_changes_can_be_drawn() -> None:
    drawn = lines({"a": [(5, 1.0), (10, 1.0)]})
    assert len({dot.y for dot in drawn.lines[0].dots}) == 1
    assert drawn.axes.top <= drawn.lines[0].end.y <= drawn.axes.bottom


def test_fifty_lines_make_a_taller_drawing_in_which_no_two_names_meet() -> None:
    drawn = lines({f"task {n}": [(10, 0.5), (20, 0.5 + n / 1e6)] for n in range(50)})
    places = sorted(line.label_y for line in drawn.lines)
    assert all(after - before >= LINE - 0.11 for before, after in itertools.pairwise(places))
    assert drawn.axes.height > 50 * LINE > HEIGHT
    assert places[-1] < drawn.axes.height


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_are_few_round_numbers_that_hold_both_ends(low: float, length: float) -> None:
    found = ticks(low, low + length)
    assert 2 <= len(found) <= 8
    rounding = 1e-6 * max(1, abs(low), length)  # which nobody can see on such a scale
    assert found[0] <= low + rounding
    assert found[-1] >= low + length - rounding


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0.3, 0.33, [0.3, 0.31, 0.32, 0.33]), (0, 0, [-0.5, 0, 0.5])],
)
def test_ticks_of_some_scales(low: float, high: float, found: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(found) or low == high


@given(st.lists(st.floats(TOP, 170), max_size=9))
def test_labels_keep_their_order_and_do_not_overlap(places: list[float]) -> None:
    moved = spread(places, TOP, 174)
    in_order = [moved[number] for number in sorted(range(len(places)), key=lambda number: places[number])]
    assert all(after - before >= LINE - 0.11 for before, after in itertools.pairwise(in_order))


def test_a_strip_holds_values_limits_and_intervals_on_one_scale() -> None:
    drawn = strip(
        [Value("down", -0.02, "", seeds=[-0.02]), Value("up", 0.02, "", [0.01, 0.03])],
        [Limit("0", 0.0, "zero")],
    )
    down, up = drawn.rows
    assert 0 <= down.at < drawn.limits[0].at < up.interval[0] < up.at < up.interval[1] <= 100
    assert down.interval is None
    alone = strip([Value("a", 0.0, "", [0.0, 0.0])], [Limit("0", 0.0, "zero")])
    assert alone.rows[0].at == alone.limits[0].at  # nothing to be divided by


def test_the_strongest_colour_is_that_of_the_largest_number() -> None:
    (row,) = matrix([[0.1, -0.4, None]], full=0.2)
    assert [cell["strength"] for cell in row] == [0.175, 0.7, 0.0]
    ((weak,),) = matrix([[0.1]], full=0.2)
    assert weak["strength"] == 0.35
