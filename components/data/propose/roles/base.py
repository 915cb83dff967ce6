"""How well a column fits a role: the scale, and what the column's name says."""

from __future__ import annotations

from dataclasses import dataclass

from components.data.propose.names import NAMES, NUMBERED
from components.data.propose.profile import Column

NAMED, PLAIN, WEAK = 1.0, 0.7, 0.3
CERTAIN = 0.5  # added where the values could hardly be anything else
CLASSES = {"class", "label", "category", "intent", "answer", "target"}  # what columns may number
GAPS = 0.2  # taken off where many rows have no value
BESIDE_NAMES = 0.4  # taken off where they do: the names themselves may stand in another
LONG, OFTEN = 4, 10  # words of a label; a longer one is a label where it repeats so often
MANY = 1000  # classes: from these on, an answer may be one that is retrieved


@dataclass(frozen=True)
class Fit:
    """How well a column fits a role."""

    score: float
    reason: str


def is_named(column: Column, role: str) -> bool:
    return not NAMES[role].isdisjoint([*column.words, "_".join(column.words)])


def score_of(column: Column, role: str) -> float:
    score = NAMED if is_named(column, role) else PLAIN
    gaps = GAPS if "" in column.unlabelled else 0
    return score - gaps - (BESIDE_NAMES if numbers_classes(column) else 0)


def numbers_classes(column: Column) -> bool:
    """A "Class Index" or an "answerKey" is no identifier."""
    return column.words[-1] in NUMBERED and not CLASSES.isdisjoint(column.words[:-1])
