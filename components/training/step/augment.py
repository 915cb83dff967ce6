"""Rows that training sees in other ways at each visit (masked words): `Augmentation`.

What is changed at a visit is a function of (seed, step, row): a step that is taken again, in a resumed run or
with smaller micro-batches, and another process of the same run see the same tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from components import families
from components.data.contract.cards import HeadCards
from components.data.encoding.split import EncodedSplit, Tokens
from components.families.base import Facts
from components.families.base.capabilities import Augmentation, Numbers
from components.keyed import derive_seed


class AugmentedSplit:
    """An encoded split of a family with `Augmentation`, at one step."""

    def __init__(self, split: EncodedSplit, family: Augmentation, facts: Facts, key: int) -> None:
        self._split, self._family, self._facts, self._key = split, family, facts, key
        self._seen: dict[int, tuple[np.ndarray, list[int]]] = {}

    def __getattr__(self, name: str) -> Any:
        """All that is not augmented."""
        return getattr(self._split, name)

    def gather(self, rows: Sequence[int] | np.ndarray) -> list[Sequence[Tokens]]:
        """`EncodedSplit.gather`, augmented."""
        found = zip(rows, self._split.gather(rows), strict=True)
        return [[(self._row(row)[0], segments), *others] for row, ((_, segments), *others) in found]

    def extra_inputs(self, row: int, head: str | None = None) -> Numbers | None:
        """`EncodedSplit.extra_inputs`, augmented."""
        return None if self._split.extra_inputs(row) is None else self._row(row)[1]

    def _row(self, row: int) -> tuple[np.ndarray, list[int]]:
        row = int(row)
        if row not in self._seen:
            split = self._split
            (ids, _), *_ = split.sequences(row)
            extra, target = cast("list[int]", split.extra_inputs(row) or []), split.target(row)
            key = derive_seed(self._key, row)
            self._seen[row] = self._family.augment(ids, extra, target, key, self._facts)
        return self._seen[row]


def augmented(
    splits: Mapping[str, EncodedSplit], cards: HeadCards, seed: int, step: int
) -> dict[str, EncodedSplit]:
    """The splits as training sees them in a step. A family with `Augmentation` has its rows to itself: no
    other head reads what it has changed (`row_encoding`)."""
    seen = dict(splits)
    for card in cards.values():
        family = families.get(card["family"])
        if isinstance(family, Augmentation):
            task = card["task"]
            key = derive_seed(seed, "visit", task, step)
            seen[task] = cast("EncodedSplit", AugmentedSplit(splits[task], family, card["facts"], key))
    return seen
