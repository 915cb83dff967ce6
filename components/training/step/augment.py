"""Augmentation: rows that training does not see as they are encoded, but altered anew in each step (masked
words).

What is altered is a function of (seed, step, row): a step that is taken again, in a resumed run or
with smaller micro-batches, and another process of the same run see the same tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from components import families
from components.data.encoding.split import EncodedSplit, Tokens
from components.families.base import Facts, Family
from components.keyed import derive_seed


class AugmentedSplit:
    """An encoded split of a family that is `altering`, at one step."""

    def __init__(self, split: EncodedSplit, family: Family, facts: Facts, secret: int) -> None:
        self._split, self._family, self._facts, self._secret = split, family, facts, secret
        self._seen: dict[int, tuple[np.ndarray, list[int]]] = {}

    def __getattr__(self, name: str) -> Any:
        """All that is not altered."""
        return getattr(self._split, name)

    def gather(self, rows: Sequence[int] | np.ndarray) -> list[list[Tokens]]:
        """`EncodedSplit.gather`, altered."""
        segments = [segments for ((_, segments),) in self._split.gather(rows)]
        return [[(self._row(row)[0], own)] for row, own in zip(rows, segments, strict=True)]

    def side(self, row: int, head: str | None = None) -> list[int] | list[float] | None:
        """`EncodedSplit.side`, altered."""
        return self._row(row)[1]

    def _row(self, row: int) -> tuple[np.ndarray, list[int]]:
        row = int(row)
        if row not in self._seen:
            split = self._split
            ((ids, _),) = split.sequences(row)
            side, target = cast("list[int]", split.side(row)), split.target(row)
            secret = derive_seed(self._secret, row)
            self._seen[row] = self._family.altered(ids, side, target, secret, self._facts)
        return self._seen[row]


def augmented(
    splits: Mapping[str, EncodedSplit], cards: Mapping[str, Mapping[str, Any]], seed: int, step: int
) -> dict[str, EncodedSplit]:
    """The splits as training sees them in a step. A family that is altering has its rows to itself: no
    other head reads what it has altered (params/checks/tasks.py)."""
    seen = dict(splits)
    for card in cards.values():
        family = families.get(card["family"])
        if family.altering:
            task = card["task"]
            secret = derive_seed(seed, "visit", task, step)
            split = AugmentedSplit(splits[task], family, card["facts"], secret)
            seen[task] = cast("EncodedSplit", split)
    return seen
