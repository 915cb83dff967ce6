"""What the values of a plan's columns call for beside the columns: options, and labels in their order.

One small function a kind of column; of the options those count that the family has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from components import families
from components.data.propose.profile import Column
from components.data.propose.roles import kind_of
from components.data.propose.roles.labels import levels, separator_of
from components.data.propose.roles.words import any_spelling, bio_types, io_types
from components.spelling import plain

NO_RELATION = ("none", "no_relation", "na", "other", "no relation")


@dataclass(frozen=True)
class Details:
    """What a task's columns call for; empty or None: nothing."""

    options: dict[str, str]
    labels: list[str] | None


def details_of(family: str, columns: dict[str, Column]) -> Details:
    """The options of a task, and its labels where they have an order."""
    kinds = {kind_of(family, role): column for role, column in columns.items()}
    found = {kind: OPTIONS[kind](kinds[kind]) for kind in OPTIONS if kind in kinds}
    known = families.get(family).options.model_fields
    options = {key: value for of_kind in found.values() for key, value in of_kind.items() if key in known}
    return Details(options, _in_order(kinds["level"]) if "level" in kinds else None)


def _tags(column: Column) -> dict[str, str]:
    sequences = [_split(tags) for tags in column.values]
    tags = [tag for sequence in sequences for tag in sequence]
    spelt = [[any_spelling(tag) for tag in sequence] for sequence in sequences]
    spellings = {"strict": sequences, "any": spelt}
    found = {spelling: scheme_of(each) for spelling, each in spellings.items() if _is_spelt(each)}
    if not found and io_types(tags):
        found = {"strict" if "O" in tags else "any": "io"}
    spelling, scheme = next(iter(found.items()), ("strict", "plain"))
    return {"scheme": scheme, **({} if spelling == "strict" else {"spelling": spelling})}


def _is_spelt(sequences: list[list[str]]) -> bool:
    return bio_types([tag for sequence in sequences for tag in sequence]) is not None


def _tokens(column: Column) -> dict[str, str]:
    tokens = [token for value in column.values for token in _split(value)]
    unspaced = sum(len(token) == 1 and not token.isascii() for token in tokens)
    return {"unit": "character"} if unspaced > 0.7 * len(tokens) else {}


def _split(value: Any) -> list[str]:
    return value.split() if isinstance(value, str) else list(value)


def scheme_of(sequences: list[list[str]]) -> str:
    """The scheme whose prefixes, and whose way to begin an entity, the tag sequences show."""
    tags = [tag for sequence in sequences for tag in sequence]
    if bio_types(tags) is None:
        return "plain"
    prefixes = {tag[0] for tag in tags if tag != "O"}
    if prefixes & {"L", "U"}:
        return "bilou"
    if "W" in prefixes:
        return "bmewo"
    if prefixes & {"M", "E", "S"}:
        return "bmes" if "M" in prefixes else "iobes"
    begins = [
        (tag[0], before[2:] == tag[2:] and before != "O")
        for sequence in sequences
        for before, tag in zip(["O", *sequence], sequence, strict=False)
        if tag != "O" and (tag[0] == "B" or before[2:] != tag[2:] or before == "O")
    ]
    # IOB1 begins with I-, and writes B- only where an entity follows another of its type.
    iob1 = all(follows if prefix == "B" else True for prefix, follows in begins)
    return "iob1" if iob1 and any(prefix == "I" for prefix, _ in begins) else "bio"


def _labels(column: Column) -> dict[str, str]:
    sign = separator_of(column)
    return {"separator": sign} if sign else {}


def _in_order(column: Column) -> list[str]:
    return levels(column) or sorted({plain(value) for value in column.values})


def _label(column: Column) -> dict[str, str]:
    names = {str(value) for value in column.values}
    none = [name for name in names if name.lower() in NO_RELATION]
    return {"none_class": none[0]} if len(none) == 1 else {}


OPTIONS: dict[str, Callable[[Column], dict[str, str]]] = {
    "tags": _tags,
    "tokens": _tokens,
    "labels": _labels,
    "label": _label,
}
