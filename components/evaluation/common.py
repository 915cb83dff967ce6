"""What a release and a candidate can both answer, where they have learnt other label sets or other rows.

Both are measured on the test rows whose labels both know and which the release answers with a label that is
still there. What is left over shows neither of them to be better; nor do rows that the release has learnt.

Legend: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.families.base import Facts, Family, Prediction, Row
from components.families.shared.changes import come_and_gone

LEAST_SHARE = 0.5  # of the test rows, that makes a comparison


@dataclass(frozen=True)
class CommonGround:
    """The rows that are compared, and what metrics are given there."""

    rows_N: np.ndarray  # of bool
    facts: Facts
    choice: bool  # are there labels to choose from, among those that both know?
    changed: str | None  # the label set, and how; None where it is the same
    trained_on: int = 0  # rows that are not compared since the release has learnt from them

    @property
    def too_little(self) -> str | None:
        """Why that makes no comparison; None where it does."""
        count, every = int(self.rows_N.sum()), len(self.rows_N) - self.trained_on
        if not count and self.trained_on:
            return f"{self.trained_on:,} test rows stand in its training data, and no other is left"
        if self.changed is None or (self.choice and count >= LEAST_SHARE * every):
            return None
        return f"{self.changed}; both can answer {count} of {every} test rows"

    def of(self, values: Sequence[Row]) -> Sequence[Row]:
        """Those of the rows, or of what was predicted of them, that are compared."""
        if self.rows_N.all():
            return values
        return [value for value, compared in zip(values, self.rows_N, strict=True) if compared]


def ground(
    family: Family,
    known: Facts,
    facts: Facts,
    rows: Sequence[Row],
    said: Sequence[Prediction],
    trained_on_N: np.ndarray | None = None,
) -> CommonGround:
    """Where a release that has learnt the facts `known` and has `said` this of the rows can be compared;
    `trained_on_N`, of bool, are the rows that it has learnt from."""
    own_N = np.zeros(len(rows), dtype=bool) if trained_on_N is None else trained_on_N
    trained_on = int(own_N.sum())
    before, now = family.label_set(known), family.label_set(facts)
    shared = {label for label, meaning in now.items() if label in before and before[label] == meaning}
    if len(shared) == len(before) == len(now):
        return CommonGround(~own_N, facts, True, None, trained_on)
    both_N = [
        shared.issuperset(family.labels_of(row, facts)) and shared.issuperset(family.labels_of(one, known))
        for row, one in zip(rows, said, strict=True)
    ]
    return CommonGround(
        rows_N=np.array(both_N, dtype=bool) & ~own_N,
        facts=family.facts_in_common(facts, shared),
        choice=len(shared) >= min(2, len(before), len(now)),
        changed=f"the label set changed: {come_and_gone(before, now, shared)}",
        trained_on=trained_on,
    )
