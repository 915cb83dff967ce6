"""Ordinal regression: a text, or a pair of texts, has one of C levels that have an order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from components.errors import BadRowError
from components.families.base import Facts, Layout, Options, Prediction, Row
from components.families.base.capabilities import Predict
from components.families.classification.family import Classification
from components.families.multi_label.family import sigmoid
from components.families.ordinal.metrics import METRICS, levels_of
from components.families.shared.changes import said
from components.families.shared.probabilities import most_probable

if TYPE_CHECKING:
    import torch
    from torch import nn


NUMBER = re.compile(r"([-+]?\d+(?:[.,]\d+)?)\s*(.*)")


class OrdinalAnswer(BaseModel):
    """The predicted level, its number (the lowest is 0), and the probability of every level."""

    label: str
    level: int
    probabilities: dict[str, float]


class Ordinal(Classification):
    """CORAL (Cao, Mirjalili & Raschka 2020): is the level above k? for every k but the highest.

    The loss is the paper's (section 3) with importance 1 / (C - 1) for each question, so that an
    example counts the same whatever the number of levels. `labels` names the levels in their order; those
    that begin with numbers have one.
    """

    name = "ordinal"
    options = Options
    role_kinds: ClassVar[Mapping[str, str]] = {"label": "level"}
    metrics = METRICS
    response = OrdinalAnswer
    example = (
        {"text": "The server is down for all customers!"},
        {"label": "high", "level": 2, "probabilities": {"low": 0.1, "medium": 0.2, "high": 0.7}},
    )

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        counts = Counter(row["label"] for row in rows)
        labels = in_order(counts) if labels is None else labels
        if labels is None or len(labels) < 2:
            raise BadRowError("`labels` must name two levels or more, from the lowest to the highest")
        # One more row for every level: the share above a level falls strictly, whatever the data.
        more_C = np.array([counts[name] + 1 for name in labels])
        return {"labels": labels, "above": (1 - more_C.cumsum()[:-1] / more_C.sum()).tolist()}

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        """In the order of the levels."""
        counts = Counter(table["label"].to_pylist())
        return [(name, counts.pop(name, 0)) for name in facts["labels"]] + sorted(counts.items())

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.ordinal.head import OrdinalHead

        return OrdinalHead(hidden_size, facts["above"])

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        questions = logits.shape[1]
        above = target.unsqueeze(1) > torch.arange(questions, device=target.device)
        return binary_cross_entropy_with_logits(logits, above.to(logits.dtype), reduction="sum") / questions

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        """The mean over the questions, as in the loss."""
        from components.families.shared.divergence import bernoulli

        return bernoulli(logits, others).mean(-1).sum()

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        """The level is the number of questions answered yes, which is the median of the distribution."""
        above = sigmoid(logits)
        probabilities = -np.diff(above, prepend=1.0, append=0.0)
        level = int((above > 0.5).sum())
        named = most_probable(facts["labels"], probabilities)
        return {"label": facts["labels"][level], "level": level, "probabilities": named}

    def changed(self, known: Facts, facts: Facts) -> str | None:
        """Levels may come in between, and go; those that stay must keep their order."""
        before, now = (
            [level for level in one["labels"] if level in other["labels"]]
            for one, other in ((known, facts), (facts, known))
        )
        return None if before == now else f"its levels' order changed from {said(before)} to {said(now)}"

    def facts_in_common(self, facts: Facts, labels: Collection[str]) -> Facts:
        """All the levels: how far an answer is off is counted in them."""
        return facts

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The median level of the training rows."""
        levels = np.sort(levels_of(train, facts["labels"]))
        median = facts["labels"][int(levels[len(levels) // 2])]
        return [{"label": median} for _ in test]

    def linear_models(self, train: Sequence[Row], facts: Facts) -> Iterator[Predict]:
        """Regression's linear baselines on the levels' numbers, rounded to a level."""
        from components.families.regression.family import FAMILY as REGRESSION

        names = facts["labels"]
        numbered = [
            {**row, "score": level} for row, level in zip(train, levels_of(train, names), strict=True)
        ]
        for scored in REGRESSION.linear_models(numbered, facts):
            yield partial(_rounded, scored, names)


def _rounded(scored: Predict, names: Sequence[str], rows: Sequence[Row]) -> list[Prediction]:
    scores = [found["score"] for found in scored(rows)]
    levels = np.rint(scores).clip(0, len(names) - 1).astype(int)
    return [{"label": names[level]} for level in levels]


def in_order(levels: Collection[str]) -> list[str] | None:
    """The levels by the numbers that they begin with: "1" to "10", "1 star" to "5 stars", "1 - low" to
    "3 - high"; None where some have none, two have the same, or units differ (2 weeks are no 2 days)."""
    found = [match for level in levels if (match := NUMBER.fullmatch(level))]
    units = {match[2].strip().rstrip("s").casefold() for match in found if match[2][:1] not in tuple("-.:)_")}
    by_number = {float(match[1].replace(",", ".")): match[0] for match in found}
    if len(by_number) < len(levels) or len(units) > 1:
        return None
    return [by_number[number] for number in sorted(by_number)]


FAMILY = Ordinal()
