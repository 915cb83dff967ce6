"""What the values of a plan's columns call for beside the columns: options, and labels in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from components.data.propose.profile import Column
from components.data.propose.roles import bio_types, levels, separator_of

NO_RELATION = ("none", "no_relation", "na", "other", "no relation")


def settings_of(family: str, columns: dict[str, Column]) -> dict[str, Any]:
    """The `options` and `labels` of a task; families that need none are not in the table."""
    return SETTINGS[family](columns) if family in SETTINGS else {}


def _tagging(columns: dict[str, Column]) -> dict[str, Any]:
    options = {}
    if "tags" in columns:
        options["scheme"] = scheme_of([_split(tags) for tags in columns["tags"].values])
    if "tokens" in columns:
        tokens = [token for value in columns["tokens"].values for token in _split(value)]
        unspaced = sum(len(token) == 1 and not token.isascii() for token in tokens)
        options |= {"unit": "character"} if unspaced > 0.7 * len(tokens) else {}
    return {"options": options} if options else {}


def _split(value: Any) -> list[str]:
    return value.split() if isinstance(value, str) else list(value)


def scheme_of(sequences: list[list[str]]) -> str:
    """The scheme whose prefixes, and whose way to begin an entity, the tag sequences show."""
    tags = [tag for sequence in sequences for tag in sequence]
    if bio_types(tags) is None:
        return "plain"
    prefixes = {tag[0] for tag in tags if tag != "O"}
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


def _multi_label(columns: dict[str, Column]) -> dict[str, Any]:
    sign = separator_of(columns["labels"])
    return {"options": {"separator": sign}} if sign else {}


def _ordinal(columns: dict[str, Column]) -> dict[str, Any]:
    column = columns["label"]
    return {"labels": levels(column) or sorted({str(value) for value in column.values})}


def _relation(columns: dict[str, Column]) -> dict[str, Any]:
    names = {str(value) for value in columns["label"].values}
    none = [name for name in names if name.lower() in NO_RELATION]
    return {"options": {"none_class": none[0]}} if len(none) == 1 else {}


SETTINGS: dict[str, Callable[[dict[str, Column]], dict[str, Any]]] = {
    "tagging": _tagging,
    "multi_label": _multi_label,
    "ordinal": _ordinal,
    "relation": _relation,
}
