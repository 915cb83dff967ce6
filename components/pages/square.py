"""Where things stand in a drawing of shares over shares: curves, and points with their sizes.

Lines are in the units of an SVG of `SIZE` by `SIZE`, as charts.py has them of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SIZE, LEFT, FOOT, TOP, RIGHT = 300, 40, 38, 10, 10
TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
STYLES = 6  # colours, and dashes that tell lines apart without them
LARGEST = 6.0  # radius of a point


@dataclass(frozen=True)
class Tick:
    """A share on both axes, and its places there."""

    x: float
    y: float
    label: str


@dataclass(frozen=True)
class Line:
    """A line, its style from 1 to STYLES, and what is said of it beside the drawing."""

    name: str
    note: str
    points: str
    style: int


@dataclass(frozen=True)
class Point:
    """A point, and what is said of it."""

    x: float
    y: float
    radius: float
    note: str


@dataclass(frozen=True)
class Square:
    """A drawing whose both axes go from 0 to 1."""

    lines: Sequence[Line] = ()
    points: Sequence[Point] = ()
    ticks: Sequence[Tick] = ()
    size: int = SIZE
    left: float = LEFT
    bottom: float = SIZE - FOOT
    top: float = TOP
    right: float = SIZE - RIGHT


def curves(series: Mapping[str, tuple[str, Sequence[Sequence[float]]]]) -> Square:
    """A line for each series: its name -> what is said of it, and its points [x, y]."""
    lines = [
        Line(name, note, " ".join(f"{_x(x)},{_y(y)}" for x, y in points), number % STYLES + 1)
        for number, (name, (note, points)) in enumerate(series.items())
    ]
    return Square(lines=lines, ticks=_ticks())


def points(found: Sequence[tuple[float, float, float, str]]) -> Square:
    """A point for each (x, y, weight, what is said of it), whose area is its weight's."""
    largest = max((weight for _, _, weight, _ in found), default=1) or 1
    drawn = [
        Point(_x(x), _y(y), round(max(2.0, LARGEST * math.sqrt(weight / largest)), 1), note)
        for x, y, weight, note in found
    ]
    return Square(points=drawn, ticks=_ticks())


def _ticks() -> list[Tick]:
    return [Tick(_x(share), _y(share), f"{share:.1f}") for share in TICKS]


def _x(share: float) -> float:
    return round(LEFT + (SIZE - RIGHT - LEFT) * share, 1)


def _y(share: float) -> float:
    return round(SIZE - FOOT - (SIZE - FOOT - TOP) * share, 1)
