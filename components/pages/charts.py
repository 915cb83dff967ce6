"""Where things stand in a drawing: scales, lines over the steps, values with intervals.

Lines are in the units of an SVG of `WIDTH` units, which is about its width in pixels on a phone, so that its
text is of a readable size there; strips are in per cent of the width that the page gives them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Points = Sequence[tuple[int, float]]  # (step, value)

WIDTH, TOP, FOOT, LEFT = 360, 34, 36, 46
HEIGHT, LINE = 210, 14  # of a drawing, and of a line of text
LETTER = 6.9  # width of a letter, about
NAME = 13  # letters of a name at a line's end
COLOURS = 8
DOTS = 60  # more points than these are a line without dots


@dataclass(frozen=True)
class Tick:
    """A number on an axis, and its place."""

    at: float
    label: str


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    step: int
    label: str


@dataclass(frozen=True)
class Line:
    """One line: its points, and its name and last value at its end."""

    name: str
    label: str
    label_y: float
    colour: int  # 1 to COLOURS
    points: str
    dots: Sequence[Dot]
    end: Dot


@dataclass(frozen=True)
class Axes:
    """Where steps and values stand."""

    right: float
    bottom: float
    steps: int
    low: float
    high: float
    left: float = LEFT
    top: float = TOP
    width: int = WIDTH

    @property
    def height(self) -> float:
        return self.bottom + FOOT

    def x(self, step: float) -> float:
        return round(self.left + (self.right - self.left) * step / self.steps, 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.bottom - (self.bottom - self.top) * share, 1)


@dataclass(frozen=True)
class Lines:
    """Lines on common axes; `mark` is the place of the step that is marked."""

    axes: Axes
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: Sequence[Line]
    mark: float | None


def lines(series: Mapping[str, Points], mark: int | None = None, low: float | None = None) -> Lines:
    """Lines over the steps, from step 0 on, on a scale from `low` (or the smallest value) to the largest.

    A series without points has no line. A single one is not named: the drawing's title says what it is.
    """
    series = {name: points for name, points in series.items() if points}
    names = {name: name if len(series) > 1 else "" for name in series}
    labels = {name: _label(names[name], points[-1][1]) for name, points in series.items()}
    values = [value for points in series.values() for _, value in points] or [0.0]
    scale = ticks(min(values) if low is None else low, max(values))
    axes = Axes(
        right=WIDTH - 12 - LETTER * max(map(len, labels.values()), default=0),
        bottom=max(HEIGHT - FOOT, TOP + LINE * len(series)),
        steps=max((step for points in series.values() for step, _ in points), default=1),
        low=scale[0],
        high=scale[-1],
    )
    steps = ticks(0, axes.steps, max(2, int((axes.right - LEFT) / 50)), inside=True)
    return Lines(
        axes,
        [Tick(axes.x(step), f"{step:,.0f}") for step in steps if step == int(step)],
        [Tick(axes.y(value), number_label(value)) for value in scale],
        _lines(series, labels, axes),
        None if mark is None else axes.x(mark),
    )


def _lines(series: Mapping[str, Points], labels: Mapping[str, str], axes: Axes) -> list[Line]:
    ends = spread([axes.y(points[-1][1]) for points in series.values()], TOP, axes.bottom)
    drawn = []
    for number, (name, points) in enumerate(series.items()):
        dots = [Dot(axes.x(step), axes.y(value), step, number_label(value)) for step, value in points]
        places = " ".join(f"{dot.x},{dot.y}" for dot in dots)
        shown = dots if len(dots) <= DOTS else []
        line = Line(name, labels[name], ends[number] + 4, number % COLOURS + 1, places, shown, dots[-1])
        drawn.append(line)
    return drawn


def _label(name: str, value: float) -> str:
    shown = name if len(name) <= NAME else f"{name[: NAME - 1]}…"
    return f"{shown} {number_label(value)}".strip()


def number_label(value: float) -> str:
    """A value for an axis or a line's end: three digits."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if 0.01 <= abs(value) < 1000 else f"{value:.3g}"


def ticks(low: float, high: float, most: int = 5, inside: bool = False) -> list[float]:
    """Round numbers, 1, 2 or 5 times a power of ten apart, that reach from `low` to `high`: `most` steps at
    most; `inside`: none beyond the two."""
    if high - low <= 1e-12 * max(1.0, abs(high)):
        half = abs(low) / 2 or 0.5
        low, high = low - half, high + half
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if (high - low) / (power * factor) <= most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if inside:
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def spread(places: Sequence[float], top: float, bottom: float) -> list[float]:
    """Move labels apart that would stand on one another, each as little as the others let it."""
    order = sorted(range(len(places)), key=lambda number: places[number])
    moved = list(places)
    lowest = bottom + LINE
    for number in reversed(order):  # up from the bottom
        lowest = moved[number] = min(moved[number], lowest - LINE)
    highest = top - LINE
    for number in order:  # and down from the top
        highest = moved[number] = max(moved[number], highest + LINE)
    return [round(place, 1) for place in moved]


# --- strips ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """One value of a strip, its interval, and what is written behind it."""

    label: str
    value: float
    text: str
    interval: Sequence[float] | None = None
    seeds: Sequence[float] = ()
    own: bool = False  # the one that it is about, among those that it is compared with


@dataclass(frozen=True)
class Limit:
    """A line across the strip: the floor that is to be reached, or zero."""

    label: str
    value: float
    kind: Literal["floor", "zero"]


@dataclass(frozen=True)
class Row:
    """A value's places, in per cent of the width."""

    label: str
    at: float
    text: str
    interval: Sequence[float] | None
    seeds: Sequence[float]
    own: bool


@dataclass(frozen=True)
class Mark:
    label: str
    at: float
    kind: str


@dataclass(frozen=True)
class Strip:
    rows: Sequence[Row]
    limits: Sequence[Mark]
    ticks: Sequence[Tick]


def strip(values: Sequence[Value], limits: Sequence[Limit] = (), reach: Sequence[float] = ()) -> Strip:
    """Values, limits and a scale that holds them all, and what `reach` names besides."""
    seeds = [seed for one in values for seed in one.seeds]
    ends = [end for one in values for end in one.interval or ()]
    numbers = [*reach, *(one.value for one in values), *(one.value for one in limits), *ends, *seeds]
    scale = ticks(min(numbers), max(numbers))

    def at(number: float) -> float:
        return round(100 * (number - scale[0]) / (scale[-1] - scale[0]), 2)

    rows = [
        Row(one.label, at(one.value), one.text, one.interval and [at(end) for end in one.interval],
            [at(seed) for seed in one.seeds], one.own)
        for one in values
    ]  # fmt: skip
    marks = [Mark(one.label, at(one.value), one.kind) for one in limits]
    return Strip(rows, marks, [Tick(at(number), tick_label(number, scale)) for number in scale])


def tick_label(number: float, scale: Sequence[float]) -> str:
    """A tick's number with as many digits as its scale's step needs."""
    digits = max(0, -math.floor(math.log10(scale[1] - scale[0]) + 1e-9))
    return f"{number:.{digits}f}"


def matrix(values: Sequence[Sequence[float | None]], full: float) -> list[list[dict[str, float | None]]]:
    """Each number with the strength of its colour: that of the largest is full, if it is `full` or larger."""
    largest = max(full, *(abs(value or 0.0) for row in values for value in row))
    return [
        [{"value": value, "strength": round(0.7 * abs(value or 0.0) / largest, 3)} for value in row]
        for row in values
    ]
