"""fairness: is the model as good for one group as for another, and does it answer whoever is named alike?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from components.evaluation.gates import perturbations
from components.evaluation.gates.base import Case, FurtherGate
from components.evaluation.gates.measure import Asked, Score, finding, listed, measured, same_answers
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
        groups = [row["slice"][column] for row in case.rows]
        rows = Counter(group for group in groups if group is not None)
        large = [group for group, count in rows.items() if count >= self.min_rows]
        if len(large) < 2:
            return
        found = measured(case, partial(gap, case, column), np.array([group in large for group in groups]))
        limit = None if self.gap is None else -self.gap
        what = f"gap of {case.gate.metric} between {column}"
        yield finding(case, "fairness", what, found, limit, self.margin)

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
    parts = [asked.by(case.metric, groups == group).sample for group in sorted(set(groups))]
    value_G = np.array([one.value for one in parts])
    spread_G = np.array([np.sqrt(np.mean(one.influence**2) / len(one.influence)) for one in parts])
    drawn_DG = np.random.default_rng(case.project.seed).normal(value_G, spread_G, (DRAWS, len(parts)))
    chance = np.ptp(drawn_DG, axis=1).mean() - np.ptp(value_G)
    apart = Score(parts[value_G.argmin()] - parts[value_G.argmax()], most=0.0)
    return apart.shifted(float(chance))


def _same(case: Case, who: str, asked: Sequence[Row], other_N: np.ndarray) -> np.ndarray:
    """same_N: is the answer the same with other terms? True where there is none of the terms."""
    same_N = np.ones(len(case.rows), dtype=bool)
    before = [said for said, other in zip(case.said[who], other_N, strict=True) if other]
    same_N[other_N] = same_answers(case.family, before, case.ask(who, asked), tolerance=1e-3)
    return same_N


GATE = Fairness
