"""The number of each label of a set, looked up and not searched for: a set may have 20,000."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

REMEMBERED = 16  # label sets at once, as many as a process works on side by side
_known: list[tuple[Sequence[str], Mapping[str, int]]] = []


def label_numbers(labels: Sequence[str]) -> Mapping[str, int]:
    """label -> its place in the set, made once for this very list, which nobody changes."""
    for known, numbers in _known:
        if known is labels:
            return numbers
    made = {label: place for place, label in enumerate(labels)}
    _known.append((labels, made))
    del _known[:-REMEMBERED]
    return made
