"""fairness: is the model as good for one group as for another, and does it answer whoever is named alike?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import permutations
from typing import Annotated

import numpy as np
from pydantic import Field

from components.evaluation.difference import Interval
from components.evaluation.gates import perturbations
from components.evaluation.gates.base import Case, FurtherGate
from components.evaluation.gates.measure import (
    Asked,
    Score,
    finding,
    listed,
    measured,
    same_answers,
)
from components.evaluation.records import Finding
from components.families.base import Row
from components.families.base.capabilities import Rewordable
from components.settings.project import Project
from components.settings.section import Fraction, Rows, Unit

DRAWS = 2000  # the mean of so many is right to a hundredth of a group's spread or two


class Fairness(FurtherGate):
    """The gap of the task's metric between groups (the worst less the best), and the share of answers that
    stay the same when terms for people are exchanged (counterfactual token fairness, Garg et al. 2019)."""

    # columns with the role `slice` whose values are groups
    columns: list[str] = Field(default_factory=list)
    # a term -> the one that it is exchanged with, in either direction: {he: she, Mohammed: Peter}
    terms: dict[str, str] = Field(default_factory=dict)
    min_rows: Rows = 100  # of a group; a smaller one makes no gap
    # the most that groups may be apart; left out, there is no limit
    gap: Annotated[float | None, Field(gt=0), Unit("of the metric")] = None
    # how much wider than the champion's the gap may be
    margin: Annotated[float, Field(gt=0), Unit("of the metric")] = 0.05
    changed: Fraction = 0.05  # the most of the answers that may change with the terms

    def check(self, project: Project) -> None:
        if not self.columns and not self.terms:
            raise ValueError("columns: nothing to look at; expected slice columns here, or terms")
        if why := perturbations.ambiguous(self.terms):
            raise ValueError(f"terms.{why}")
        found = [task.columns.get("slice", []) for task in project.tasks.values()]
        known = [name for names in found for name in ([names] if isinstance(names, str) else names)]
        for column in self.columns:
            if column not in known:
                raise ValueError(
                    f"columns: no task has the slice column '{column}'; expected some of "
                    f"{', '.join(dict.fromkeys(known)) or 'those that tasks.NAME.columns.slice names'}"
                )

    def findings(self, case: Case) -> Iterator[Finding]:
        for column in self.columns:
            if column in (case.rows[0].get("slice") or {}):
                yield from self._gap(case, column)
        if self.terms and isinstance(case.family, Rewordable):
            yield from self._exchanged(case, case.family)

    def _gap(self, case: Case, column: str) -> Iterator[Finding]:
        groups = np.array([row["slice"][column] for row in case.rows], dtype=object)
        rows = Counter(group for group in groups if group is not None)
        large = [group for group, count in rows.items() if count >= self.min_rows]
        if len(large) < 2:
            return
        asked_N = np.isin(groups, large)
        if case.common is not None and self._too_few(groups[asked_N & case.common.rows_N], large):
            case = case.alone()
        found = measured(case, partial(gap, case, column), asked_N)
        limit = None if self.gap is None else -self.gap
        what = f"gap of {case.gate.metric} between {column}"
        yield finding(case, "fairness", what, found, limit, self.margin)

    def _too_few(self, groups: np.ndarray, large: Sequence[str]) -> bool:
        """Has one of the groups too few rows that both models can answer?"""
        return any((groups == group).sum() < self.min_rows for group in large)

    def _exchanged(self, case: Case, family: Rewordable) -> Iterator[Finding]:
        rows = [family.reworded(row, partial(perturbations.exchanged, pairs=self.terms)) for row in case.rows]
        other_N = np.array([one is not None and one != row for one, row in zip(rows, case.rows, strict=True)])
        if not other_N.any():
            return
        asked = [one for one, other in zip(rows, other_N, strict=True) if other and one is not None]
        same = {who: _same(case, who, asked, other_N) for who in case.asked}
        found = measured(case, lambda asked: asked.share(same[asked.who]), other_N)
        what = "answers that stay the same with other terms"
        if found.rows < self.min_rows:
            yield listed(case, "fairness", what, found, self.min_rows)
        else:
            yield finding(case, "fairness", what, found, 1 - self.changed, self.margin)


def gap(case: Case, column: str, asked: Asked) -> Score:
    """The worst group's metric less the best's, without what chance adds to it: by how much groups that truly
    differ as these were found to would seem further apart (a parametric bootstrap, Efron 1979)."""
    groups = np.array([row["slice"][column] for row in asked.rows], dtype=object)
    rows_GN = [groups == group for group in sorted(set(groups))]
    parts = [asked.by(case.metric, rows_N).sample for rows_N in rows_GN]
    value_G = np.array([one.value for one in parts])
    spread_G = np.array([np.sqrt(np.mean(one.influence**2) / len(one.influence)) for one in parts])
    drawn_DG = np.random.default_rng(case.project.seed).normal(value_G, spread_G, (DRAWS, len(parts)))
    chance = np.ptp(drawn_DG, axis=1).mean() - np.ptp(value_G)
    own = [asked.only(rows_N).by(case.metric) for rows_N in rows_GN]
    apart = Score(parts[value_G.argmin()] - parts[value_G.argmax()], most=0.0, ends=partial(ends_of_gap, own))
    return apart.shifted(min(float(chance), -apart.sample.value))


def ends_of_gap(groups: Sequence[Score], confidence: float) -> Interval:
    """Low end and high end of a gap.

    It is the difference of some two groups, and of no two more. So it is no wider than the farthest end of
    all differences, each of which holds by itself, and no narrower than any is shown to be, by Bonferroni's
    correction. Once one is shown at all, that counts those alone that may be as far apart (Romano, Shaikh &
    Wolf 2014), and a fourth of the groups' square at most: where none are farther apart than the gap, those
    that are make pairs of a best and a worst group, without triangles (Mantel 1907).
    """
    count = len(groups)
    far = _ends_of_pairs(groups, confidence, 1)
    near = _shown(groups, confidence, count * (count - 1) // 2)
    if near > 0:
        as_far = sum(end >= near for end in far)
        near = max(near, _shown(groups, confidence, min(as_far, count**2 // 4)))
    return [-max(far), -max(near, 0.0)]


def _shown(groups: Sequence[Score], confidence: float, pairs: int) -> float:
    """What is shown of the farthest of so many differences at least."""
    return max(_ends_of_pairs(groups, 1 - (1 - confidence) / pairs, -1))


def _ends_of_pairs(groups: Sequence[Score], confidence: float, sign: int) -> list[float]:
    """By how much one group is above another, at most, or with a sign of -1 at least: from the intervals of
    their values, which come from different rows (Zou & Donner 2008; of shares Newcombe 1998, method 10)."""
    ends = [(one.value, one.interval(confidence)[::sign]) for one in groups]
    return [
        value - other + sign * math.hypot(far - value, near - other)
        for (value, (_, far)), (other, (near, _)) in permutations(ends, 2)
    ]


def _same(case: Case, who: str, asked: Sequence[Row], other_N: np.ndarray) -> np.ndarray:
    """same_N: is the answer the same with other terms? True where there is none of the terms."""
    same_N = np.ones(len(case.rows), dtype=bool)
    before = [said for said, other in zip(case.said[who], other_N, strict=True) if other]
    same_N[other_N] = same_answers(case.family, before, case.ask(who, asked), tolerance=1e-3)
    return same_N


GATE = Fairness
