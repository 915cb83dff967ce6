"""Regression: a text, or a pair of texts, has a score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from components.errors import BadRowError
from components.families.base import Check, Facts, Family, Layout, Prediction, Row, Sequence1
from components.families.base.capabilities import (
    Explained,
    MultiSequence,
    Predict,
    SquaredErrorLoss,
    TunedBaseline,
)
from components.families.regression.metrics import METRICS
from components.families.shared import linear
from components.families.shared.fields import read_number
from components.families.shared.rewording import TextsReworded

if TYPE_CHECKING:
    import torch
    from sklearn.linear_model import Ridge, RidgeCV
    from tokenizers import Encoding
    from torch import nn

    from components.settings.project import Checks


LEAVE_OUT = 1000  # rows, below which each can be left out in turn
SHIFT, SPREAD = 0.5, 1.5  # what new rows explain: a mean so many deviations away, and deviations' ratio


class RegressionAnswer(BaseModel):
    """The predicted score, in the units of the training data."""

    score: float


class Regression(Explained, TextsReworded, MultiSequence, SquaredErrorLoss, TunedBaseline, Family):
    """Squared error on standardised scores, so that tasks of other units weigh alike.

    The texts of a pair are encoded apart and compared (Reimers & Gurevych 2019): that keeps what a
    pretrained sentence encoder knows of similarity, which a few hundred scores could not teach anew.
    """

    name = "regression"
    hub_task = "text-classification"
    targets: ClassVar[Mapping[str, bool]] = {"score": True}
    metrics = METRICS
    target_type = pa.float32()
    response = RegressionAnswer
    example = ({"text": "A fine film.", "text_pair": "I liked the movie."}, {"score": 4.2})

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        return {"score": read_number(record, "score")}

    def target_schema(self) -> pa.Schema:
        return pa.schema([("score", pa.float64())])

    def target_of(self, row: Row) -> Any:
        return row["score"]

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        if labels is not None:
            raise BadRowError("a regression task has no label set; remove `labels`")
        paired = False

        def scored() -> Iterator[float]:
            nonlocal paired
            for row in rows:
                paired = row["text_pair"] is not None
                yield row["score"]

        scores = np.fromiter(scored(), dtype=np.float64)  # eight bytes a row, however many there are
        deviation = float(scores.std())
        if not deviation > 0:
            raise BadRowError(f"all {len(scores)} training scores are {scores[0]}, nothing to learn")
        return {
            "pair": paired,
            "mean": float(scores.mean()),
            "deviation": deviation,
            "minimum": float(scores.min()),
            "maximum": float(scores.max()),
        }

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from great_expectations.expectations import ExpectColumnValuesToBeBetween

        largest = float(np.finfo(np.float64).max)
        return [
            Check(
                "every score is a finite number",
                ExpectColumnValuesToBeBetween(column="score", min_value=-largest, max_value=largest),
            ),
            Check(
                "held-out scores within the range of training",
                ExpectColumnValuesToBeBetween(
                    column="score", min_value=facts["minimum"], max_value=facts["maximum"]
                ),
                "warning",
            ),
        ]

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        low, high = facts["minimum"], facts["maximum"]  # held-out scores beyond count in the outermost bins
        counts, edges = np.histogram(table["score"].to_numpy().clip(low, high), bins=12, range=(low, high))
        pairs = zip(edges, edges[1:], counts, strict=False)
        return [(f"{low:.2f} to {high:.2f}", int(count)) for low, high, count in pairs]

    def sequences(self, row: Row) -> list[Sequence1]:
        """The texts of a pair apart."""
        return [row["text"], row["text_pair"]] if row.get("text_pair") else [row["text"]]

    def multi_sequence(self, inputs: Sequence[str]) -> bool:
        return "text_pair" in inputs

    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        return (row["score"] - facts["mean"]) / facts["deviation"]

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        import torch

        return torch.tensor(targets, dtype=torch.float32)

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.regression.head import PairHead
        from components.families.shared.heads import PooledHead

        return PairHead(hidden_size, 1) if facts["pair"] else PooledHead(hidden_size, 1)

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        from torch.nn.functional import mse_loss

        return mse_loss(logits.squeeze(-1), target, reduction="sum")

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        """The squared difference, which is that of Gaussians of variance 1 about the two scores."""
        return (logits - others).square().sum()

    def support(self, answer: Prediction, first: Prediction) -> float:
        return float(answer["score"])

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        return {"score": float(logits[0]) * facts["deviation"] + facts["mean"]}

    def changed(self, known: Facts, facts: Facts) -> str | None:
        """Scores that lie elsewhere, or are spread otherwise, than new rows explain, have another unit."""
        shift = abs(facts["mean"] - known["mean"]) / max(facts["deviation"], known["deviation"])
        ratio = facts["deviation"] / known["deviation"]
        if shift <= SHIFT and 1 / SPREAD <= ratio <= SPREAD:
            return None
        before, now = (f"{one['mean']:.4g} \u00b1 {one['deviation']:.4g}" for one in (known, facts))
        return f"its scores' unit or scale changed: they were {before} and are {now}"

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        mean = float(np.mean([row["score"] for row in train]))
        return [{"score": mean} for _ in test]

    def linear_models(self, train: Sequence[Row], facts: Facts) -> Iterator[Predict]:
        """TF-IDF of n-grams with ridge regression, whose strength few rows tell best by leaving each out."""
        from sklearn.linear_model import Ridge, RidgeCV

        scores = [row["score"] for row in train]
        for features in linear.both(train):
            models = [RidgeCV(alphas=(0.1, 0.3, 1.0, 3.0, 10.0))]
            if len(train) >= LEAVE_OUT:
                settings = {"solver": "sparse_cg", "random_state": 0}
                models = [Ridge(alpha=1 / strength, **settings) for strength in linear.STRENGTHS]
            for model in models:
                yield partial(_said, model.fit(features.learnt_NF, scores), features)


def _said(model: Ridge | RidgeCV, features: linear.Features, rows: Sequence[Row]) -> list[Prediction]:
    return [{"score": float(score)} for score in model.predict(features.of(rows))]


FAMILY = Regression()
