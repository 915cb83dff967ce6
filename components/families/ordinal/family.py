"""Ordinal regression: a text, or a pair of texts, has one of C levels that have an order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from components.errors import BadRowError
from components.families.base import Facts, Layout, Options, Prediction, Row
from components.families.classification.family import Classification
from components.families.multi_label.family import sigmoid

if TYPE_CHECKING:
    import torch
    from torch import nn


class OrdinalAnswer(BaseModel):
    """The predicted level, its number (the lowest is 0), and the probability of every level."""

    label: str
    level: int
    probabilities: dict[str, float]


class Ordinal(Classification):
    """CORAL (Cao, Mirjalili & Raschka 2020): is the level above k? for every k but the highest.

    The loss is the paper's (section 3) with importance 1 / (C - 1) for each question, so that an
    example counts the same whatever the number of levels. `labels` names the levels in their order.
    """

    name = "ordinal"
    options = Options
    metrics = ("quadratic_kappa", "negative_mae", "accuracy")
    response = OrdinalAnswer
    example = (
        {"text": "The server is down for all customers!"},
        {"label": "high", "level": 2, "probabilities": {"low": 0.1, "medium": 0.2, "high": 0.7}},
    )

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        if labels is None or len(labels) < 2:
            raise BadRowError("`labels` must name two levels or more, from the lowest to the highest")
        counts = Counter(row["label"] for row in rows)
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
        named = dict(zip(facts["labels"], probabilities.tolist(), strict=True))
        return {"label": facts["labels"][level], "level": level, "probabilities": named}

    def statistics(
        self, metric: str, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
    ) -> np.ndarray:
        """Of gold level x and predicted y: 1, x, y, xx + yy, (x - y)^2, |x - y|, x = y."""
        x, y = (_levels(side, facts["labels"]) for side in (rows, predictions))
        apart = np.abs(x - y)
        return np.stack([np.ones(len(x)), x, y, x * x + y * y, apart**2, apart, apart == 0], axis=1)

    def value(self, metric: str, sums: np.ndarray) -> np.ndarray:
        """Accuracy, minus the mean absolute error in levels, or Cohen's quadratically weighted kappa.

        With weights (x - y)^2 the confusion matrix enters kappa (Cohen 1968) only through sums: what
        chance would give is the sum of xx + yy less 2 (sum of x) (sum of y) / n. Where gold and
        predictions are one and the same level, kappa is undefined and counts 0.
        """
        n, x, y, squares, squared, absolute, equal = sums.T
        n = np.maximum(n, 1)
        if metric == "accuracy":
            return np.asarray(equal / n)
        if metric == "negative_mae":
            return np.asarray(-absolute / n)
        chance = squares - 2 * x * y / n
        defined = chance > 1e-9
        return np.asarray(np.where(defined, 1 - squared / np.where(defined, chance, 1), 0))

    def trivial(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The median level of the training rows."""
        levels = np.sort(_levels(train, facts["labels"]))
        median = facts["labels"][int(levels[len(levels) // 2])]
        return [{"label": median} for _ in test]

    def linear(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """Regression's linear baseline on the levels' numbers, rounded to a level."""
        from components.families.regression.family import FAMILY as REGRESSION

        names = facts["labels"]
        numbered = [{**row, "score": level} for row, level in zip(train, _levels(train, names), strict=True)]
        scores = [found["score"] for found in REGRESSION.linear(numbered, test, facts)]
        levels = np.rint(scores).clip(0, len(names) - 1).astype(int)
        return [{"label": names[level]} for level in levels]


def _levels(rows: Sequence[Row], names: Sequence[str]) -> np.ndarray:
    """levels_N: the numbers of the rows' levels."""
    number = {name: float(index) for index, name in enumerate(names)}
    return np.array([number[row["label"]] for row in rows])


FAMILY = Ordinal()
