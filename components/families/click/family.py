"""Clicks: a text, beside categories and numbers, leads to a yes (a click, a purchase, a churn) or to a no."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, Field

from components.errors import BadRowError
from components.families.base import Check, Facts, Family, Layout, Options, Prediction, Row, TextRequest
from components.families.base.capabilities import (
    Events,
    Explained,
    ExtraInputs,
    Predict,
    Probabilities,
    ScoredClasses,
    TunedBaseline,
)
from components.families.click import features
from components.families.click.metrics import METRICS, outcomes_of
from components.families.multi_label.family import sigmoid
from components.families.shared import linear
from components.families.shared.changes import come_and_gone
from components.families.shared.rewording import TextsReworded

if TYPE_CHECKING:
    import torch
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression
    from tokenizers import Encoding
    from torch import nn

    from components.settings.project import Checks

OUTCOMES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class ClickRequest(TextRequest):
    """A text, and what is known of its features: one that is missing may be left out. A category is a text
    or a whole number."""

    categorical: dict[str, Any]
    numeric: dict[str, float | None]


class ClickAnswer(BaseModel):
    """The probability of a yes; of a joint task that only some rows answer, given that they do."""

    probability: float


class ClickOptions(Options):
    """What a head keeps of the categories."""

    # of a column, the commonest ones, with an embedding each; the others share one
    categories: int = Field(1000, ge=1)


class Click(
    Events, Explained, TextsReworded, ExtraInputs, ScoredClasses, Probabilities, TunedBaseline, Family
):
    """Binary cross-entropy over the pooled states, embedded categories and standardised numbers.

    The classes are not weighed: that would lose the probabilities' calibration.
    """

    name = "click"
    optional_inputs = features.ROLES
    role_kinds: ClassVar[Mapping[str, str]] = {"text": "item"}
    targets: ClassVar[Mapping[str, bool]] = {"outcome": True}
    request = ClickRequest
    options = ClickOptions
    metrics = METRICS
    target_type = pa.float32()
    extra_type = pa.float64()
    response = ClickAnswer
    example = (
        {
            "text": "Wool socks, three pairs",
            "categorical": {"brand": "acme", "channel": "newsletter"},
            "numeric": {"price": 12.5},
        },
        {"probability": 0.04},
    )

    # --- data -----------------------------------------------------------------------------------

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        found = {role: features.read_features(record, role) for role in features.ROLES}
        return {**super().read_input(record, options), **found}

    def input_schema(self) -> pa.Schema:
        return pa.schema([*super().input_schema(), *features.schema()])

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        value = record.get("outcome")
        whole = int(value) if isinstance(value, float) and value in (0, 1) else value
        outcome = OUTCOMES.get(str(whole).strip().lower())
        if outcome is None:
            raise BadRowError(f"'outcome' is {value!r:.60}, expected true or false, yes or no, 1 or 0")
        return {"outcome": outcome}

    def target_schema(self) -> pa.Schema:
        return pa.schema([("outcome", pa.bool_())])

    def target_of(self, row: Row) -> Any:
        return row["outcome"]

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        if labels is not None:
            raise BadRowError("a click task has no label set; remove `labels`")
        counts: Counter[bool] = Counter()
        learner = features.FeatureLearner()
        for row in rows:
            counts[row["outcome"]] += 1
            learner.add(row)
        if len(counts) < 2:
            raise BadRowError(f"all {counts.total()} training outcomes are the same, nothing to learn")
        return {"rate": counts[True] / counts.total(), **learner.facts(options["categories"])}

    def check_question(self, row: Row, facts: Facts) -> None:
        features.check_names(row, facts)

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from components.families.click.expectations import ExpectFiniteNumbers
        from components.families.shared.expectations import ExpectEveryClassInTraining

        few, both = checks.min_rows_per_class, ["False", "True"]
        at_all = ExpectEveryClassInTraining(column="outcome", classes=both, minimum=1)
        enough = ExpectEveryClassInTraining(column="outcome", classes=both, minimum=few)
        finite = [Check("every number is finite", ExpectFiniteNumbers(column="numeric"))]
        return [
            Check("both outcomes occur in training", at_all),
            Check(f"at least {few} training rows per outcome", enough, "warning"),
            *(finite if facts["numeric"] else []),
        ]

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        counts = Counter(table["outcome"].to_pylist())
        return [("yes", counts[True]), ("no", counts[False])]

    # --- encoding and model -----------------------------------------------------------------------

    def extra_inputs(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> list[float] | None:
        return features.head_inputs(row, facts)

    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        return float(row["outcome"])

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        import torch

        return torch.tensor(targets, dtype=torch.float32)

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        """It starts at the share of positives."""
        from torch import nn

        from components.families.click.head import FeaturesHead
        from components.families.shared.heads import PooledHead

        categories = [
            [int(features.category_hash(name)) for name in facts["categorical"][column]]
            for column in sorted(facts["categorical"])
        ]
        known = [facts["numeric"][column] for column in sorted(facts["numeric"])]
        numbers = [(each["centre"], each["scale"]) for each in known]
        beside = bool(categories or numbers)
        head = FeaturesHead(hidden_size, categories, numbers, 1) if beside else PooledHead(hidden_size, 1)
        nn.init.constant_(head.output.bias, math.log(facts["rate"] / (1 - facts["rate"])))
        return head

    def outputs(self, facts: Facts) -> Any:
        """Each feature has weights of its own, and so has each category with an embedding."""
        categories = {name: sorted(known) for name, known in facts["categorical"].items()}
        return [categories, sorted(facts["numeric"])]

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        from torch.nn.functional import binary_cross_entropy_with_logits

        return binary_cross_entropy_with_logits(logits.squeeze(-1), target, reduction="sum")

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        from components.families.shared.divergence import bernoulli

        return bernoulli(logits, others).sum()

    def support(self, answer: Prediction, first: Prediction) -> float:
        return float(answer["probability"])

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        return {"probability": float(sigmoid(logits)[0])}

    # --- evaluation -------------------------------------------------------------------------------

    def changed(self, known: Facts, facts: Facts) -> str | None:
        """Features may come, which the champion does not look at; their categories and scales may change."""
        before, now = ([name for role in features.ROLES for name in one[role]] for one in (known, facts))
        gone = any(set(known[role]) - set(facts[role]) for role in features.ROLES)
        return f"its features changed: {come_and_gone(before, now)}" if gone else None

    def scored_classes(
        self, rows: Sequence[Row], said: Sequence[Prediction], facts: Facts
    ) -> Iterable[tuple[str, np.ndarray, np.ndarray]]:
        y_N, p_N = outcomes_of(rows, said)
        return [("outcome", y_N, p_N)] if 0 < y_N.sum() < len(y_N) else []

    def likelihoods(self, row: Row, said: Prediction, facts: Facts) -> list[tuple[float, bool]]:
        return [(said["probability"], bool(row["outcome"]))]

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The share of positives in training."""
        return [{"probability": facts["rate"]} for _ in test]

    def linear_models(self, train: Sequence[Row], facts: Facts) -> Iterator[Predict]:
        """TF-IDF of n-grams beside the features, logistic regression."""
        from sklearn.feature_extraction import DictVectorizer
        from sklearn.linear_model import LogisticRegression

        outcomes = [row["outcome"] for row in train]
        if len(set(outcomes)) == 1:  # there is nothing to tell apart; the checks of the data say so
            yield partial(self.majority_baseline, train, facts=facts)
            return
        beside = DictVectorizer().fit(_named(train, facts))
        for texts in linear.both(train):
            columns_NF = _beside(texts.learnt_NF, beside, train, facts)
            for strength in linear.STRENGTHS:
                model = LogisticRegression(C=strength, max_iter=1000).fit(columns_NF, outcomes)
                yield partial(_said, model, texts, beside, facts)


def _named(rows: Sequence[Row], facts: Facts) -> list[Row]:
    """With an entry for all, so that rows without features are a column of ones: one more intercept."""
    return [{"": 1.0, **features.named(row, facts)} for row in rows]


def _beside(text_NF: Any, beside: DictVectorizer, rows: Sequence[Row], facts: Facts) -> Any:
    from scipy.sparse import hstack

    return hstack([text_NF, beside.transform(_named(rows, facts))]).tocsr()


def _said(
    model: LogisticRegression,
    texts: linear.Features,
    beside: DictVectorizer,
    facts: Facts,
    rows: Sequence[Row],
) -> list[Prediction]:
    columns_NF = _beside(texts.of(rows), beside, rows, facts)
    return [{"probability": float(p)} for p in model.predict_proba(columns_NF)[:, 1]]


FAMILY = Click()
