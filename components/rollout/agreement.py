"""How far two answers to the same question are apart, of whatever family, and whether they are the same."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

NEAR = 0.02  # that a number of the same model may differ, on another processor


def apart(one: Mapping[str, Any], other: Mapping[str, Any], scale: float = 1.0) -> float:
    """From 0, the same, to 1. What is named counts: a label, a text, a place, the things of a list by how
    many both have (Dice 1945). How probable they are does not; of an answer that is numbers alone, how far
    they are apart in units of `scale`."""
    named = [key for key, value in one.items() if not _is_number(value)]
    if not named:
        return min(1.0, max((_distance(one[key], other.get(key)) / scale for key in one), default=0.0))
    return max(_named_apart(one[key], other.get(key)) for key in named)


def is_near(one: Any, other: Any) -> bool:
    """Are two answers the same but for roundings?"""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_near(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_near, one, other))
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=NEAR, abs_tol=NEAR)
    return bool(one == other)


def is_sound(value: Any) -> bool:
    """Is every number of an answer one?"""
    if isinstance(value, dict):
        return all(map(is_sound, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_sound, value))
    return not isinstance(value, float) or math.isfinite(value)


def _is_number(value: Any) -> bool:
    """A float, or floats by name or in a row."""
    if isinstance(value, dict):
        return all(map(_is_number, value.values()))
    if isinstance(value, list):
        return value != [] and all(map(_is_number, value))
    return isinstance(value, float)


def _distance(one: Any, other: Any) -> float:
    if isinstance(one, float) and isinstance(other, float):
        distance = abs(one - other)
        return distance if math.isfinite(distance) else 1.0
    return float(one != other)


def _named_apart(one: Any, other: Any) -> float:
    if not (isinstance(one, list) and isinstance(other, list)):
        return float(_bare(one) != _bare(other))
    first, second = ({json.dumps(_bare(item), sort_keys=True) for item in items} for items in (one, other))
    total = len(first) + len(second)
    return 1 - 2 * len(first & second) / total if total else 0.0


def _bare(value: Any) -> Any:
    """Without its numbers."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if not _is_number(item)}
    return [_bare(item) for item in value] if isinstance(value, list) else value
