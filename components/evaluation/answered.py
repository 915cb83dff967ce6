"""A head with its test rows and what models say of them: what gates judge and pictures show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components import families
from components.evaluation import row_scores
from components.families.base import Facts, Family, Metric, Prediction, Row

if TYPE_CHECKING:
    from components.data.contract.cards import HeadCard
    from components.settings.project import Evaluation, Gate, Project


@dataclass(frozen=True)
class AnsweredHead:
    """A head, its test rows, and what each model says of them: the candidate ("model") and others."""

    project: Project
    head: str
    card: HeadCard
    gate: Gate | None  # none of an auxiliary head
    rows: Sequence[Row]
    said: Mapping[str, Sequence[Prediction]]  # by who

    @property
    def settings(self) -> Evaluation:
        return self.project.evaluation

    @property
    def family(self) -> Family:
        return families.get(self.card["family"])

    @property
    def facts(self) -> Facts:
        return self.card["facts"]

    @property
    def gated(self) -> str | None:
        """The name of the gate's metric."""
        return self.gate.metric if self.gate else None

    @property
    def metrics(self) -> list[Metric]:
        """The gate's first."""
        return row_scores.in_order(self.family, self.facts, self.gated)


def without_number(
    answers: Sequence[Prediction], is_number: Callable[[float], bool] = math.isfinite
) -> int | None:
    """Which answer, the first one, holds a number that is none. Ranks and sums would take it for the largest,
    and make a metric of it that looks like any other."""
    found = (place for place, one in enumerate(answers) if not _whole(one, is_number))
    return next(found, None)


def _whole(value: object, is_number: Callable[[float], bool]) -> bool:
    if isinstance(value, float):
        return is_number(value)
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return all(_whole(part, is_number) for part in parts)
