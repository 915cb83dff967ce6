"""Classification: a text, or a pair of texts, belongs to one of C classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, Field

from components.errors import BadRowError, near_miss
from components.families.base import (
    Check,
    ClassCounts,
    Facts,
    Family,
    Layout,
    Metric,
    Options,
    Prediction,
    Row,
)
from components.families.base.capabilities import (
    Explained,
    NamedLabels,
    OneClassEach,
    Predict,
    Probabilities,
    ScoredClasses,
    TunedBaseline,
)
from components.families.shared import linear
from components.families.shared.centroids import nearest_labels, too_many
from components.families.shared.fields import read_label
from components.families.shared.label_numbers import label_numbers
from components.families.shared.metrics import (
    AUC,
    AVERAGE_PRECISION,
    KAPPA,
    MACRO_F1,
    MCC,
    TOP_K,
    accuracy,
    class_counts,
    counts_of_labels,
    label_of,
)
from components.families.shared.probabilities import best_of, most_probable, of_margins, with_names
from components.families.shared.ranks import each_class
from components.families.shared.rewording import TextsReworded

if TYPE_CHECKING:
    import torch
    from sklearn.pipeline import Pipeline
    from sklearn.svm import LinearSVC
    from tokenizers import Encoding
    from torch import nn

    from components.settings.project import Checks


class ClassificationAnswer(BaseModel):
    """The most probable label, and the probability of every label, or of the hundred most probable ones."""

    label: str
    probability: float
    probabilities: dict[str, float]


class ClassificationOptions(Options):
    """How classes and targets count in the loss."""

    class_weights: Literal["none", "balanced"] = "none"  # balanced: N / (C n_c) (King & Zeng 2001)
    # part of the uniform target in the one-hot one (Szegedy 2016, section 7)
    label_smoothing: float = Field(0.0, ge=0, lt=1)


class Classification(
    Explained,
    TextsReworded,
    OneClassEach,
    NamedLabels,
    ScoredClasses,
    Probabilities,
    TunedBaseline,
    Family,
):
    """Softmax cross-entropy over the pooled states."""

    name = "classification"
    compared: ClassVar[linear.Roles] = linear.ROLES
    """The columns that the linear baselines read."""
    hub_task = "text-classification"
    targets: ClassVar[Mapping[str, bool]] = {"label": True}
    options: ClassVar[type[Options]] = ClassificationOptions
    metrics: ClassVar[tuple[Metric, ...]] = (
        accuracy("label"),
        MACRO_F1,
        MCC,
        KAPPA,
        AUC,
        AVERAGE_PRECISION,
        *TOP_K.values(),
    )
    target_type = pa.int64()
    response: ClassVar[type[BaseModel]] = ClassificationAnswer
    example = (
        {"text": "The parcel never arrived."},
        {"label": "complaint", "probability": 0.9, "probabilities": {"complaint": 0.9, "praise": 0.1}},
    )

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        return {"label": read_label(record, "label")}

    def class_column(self, options: Mapping[str, Any]) -> str:
        return "label"

    def target_schema(self) -> pa.Schema:
        return pa.schema([("label", pa.string())])

    def target_of(self, row: Row) -> Any:
        return row["label"]

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        counts = Counter(row["label"] for row in rows)
        names = labels if labels is not None else sorted(counts)
        if len(names) < 2:
            raise BadRowError(f"the only label is '{names[0]}', expected two labels or more")
        facts: Facts = {"labels": names}
        if options["class_weights"] == "balanced":
            # A class without a row has no weight of its own; it never occurs in the loss.
            facts["weights"] = [counts.total() / (len(names) * (counts[name] or 1)) for name in names]
        return facts

    def check_row(self, row: Row, facts: Facts) -> None:
        check_label(row["label"], facts["labels"])

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from great_expectations.expectations import ExpectColumnValuesToBeInSet

        from components.families.shared.expectations import ExpectEveryClassInTraining

        return [
            Check(
                "every label is in the label set",
                ExpectColumnValuesToBeInSet(column="label", value_set=facts["labels"]),
            ),
            Check(
                "every class occurs in training",
                ExpectEveryClassInTraining(column="label", classes=facts["labels"], minimum=1),
            ),
            Check(
                f"at least {checks.min_rows_per_class} training rows per class",
                ExpectEveryClassInTraining(
                    column="label", classes=facts["labels"], minimum=checks.min_rows_per_class
                ),
                "warning",
            ),
        ]

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        counts = {pair["values"]: pair["counts"] for pair in table["label"].value_counts().to_pylist()}
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        return label_numbers(facts["labels"])[row["label"]]

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        import torch

        return torch.tensor(targets, dtype=torch.int64)

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.shared.heads import PooledHead

        return PooledHead(hidden_size, len(facts["labels"]))

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        from torch.nn.functional import cross_entropy

        from components.device import sent

        weights = sent(facts["weights"], logits) if "weights" in facts else None
        smoothing = facts["options"]["label_smoothing"]
        return cross_entropy(logits, target, weights, reduction="sum", label_smoothing=smoothing)

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        from components.device import sent
        from components.families.shared.divergence import categorical

        apart_n = categorical(logits, others)
        return (apart_n * sent(facts["weights"], logits)[target] if "weights" in facts else apart_n).sum()

    def units(self, target: Any, facts: Facts) -> float:
        """An example, or its class's weight, as PyTorch's weighted mean counts."""
        return facts["weights"][target] if "weights" in facts else 1.0

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        probabilities = softmax(logits)
        best = int(probabilities.argmax())
        return {
            "label": facts["labels"][best],
            "probability": float(probabilities[best]),
            "probabilities": most_probable(facts["labels"], probabilities),
        }

    def support(self, answer: Prediction, first: Prediction) -> float:
        probabilities: dict[str, float] = answer["probabilities"]
        return probabilities.get(first["label"], 0.0)

    def best_of(self, answer: Prediction, count: int) -> Prediction:
        return {**answer, "probabilities": best_of(answer["probabilities"], count)}

    def likelihoods(self, row: Row, said: Prediction, facts: Facts) -> list[tuple[float, bool]]:
        return [(said["probabilities"].get(said["label"], 0.0), said["label"] == row["label"])]

    def labels_of(self, one: Row | Prediction, facts: Facts) -> Iterable[str]:
        return (one["label"],)

    def relabelled(self, one: Row | Prediction, names: Mapping[str, str], facts: Facts) -> Row | Prediction:
        return {**with_names(one, names), "label": names.get(one["label"], one["label"])}

    def facts_in_common(self, facts: Facts, labels: Collection[str]) -> Facts:
        return {**facts, "labels": [label for label in facts["labels"] if label in labels]}

    def report(
        self, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
    ) -> list[ClassCounts]:
        return counts_of_labels(class_counts(rows, predictions, facts), facts["labels"])

    def class_pairs(self, row: Row, said: Prediction, facts: Facts) -> Iterable[tuple[str, str]]:
        return [(row["label"], said["label"])]

    def scored_classes(
        self, rows: Sequence[Row], said: Sequence[Prediction], facts: Facts
    ) -> Iterable[tuple[str, np.ndarray, np.ndarray]]:
        return each_class(rows, said, facts["labels"], label_of)

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The most frequent label, and the shares of those that come next."""
        counts = Counter(row["label"] for row in train)
        shares = {label: count / len(train) for label, count in counts.most_common(max(TOP_K))}
        return [{"label": next(iter(shares)), "probabilities": shares} for _ in test]

    def linear_models(self, train: Sequence[Row], facts: Facts) -> Iterator[Predict]:
        """TF-IDF of n-grams, linear support vector machines; of a large label set the nearest centroid."""
        from sklearn.svm import LinearSVC

        labels = [row["label"] for row in train]
        if len(set(labels)) == 1:  # there is nothing to tell apart; the checks of the data say so
            yield partial(self.majority_baseline, train, facts=facts)
            return
        for features in linear.both(train, self.compared):
            if too_many(len(set(labels)), features.learnt_NF):
                yield partial(_nearest, features, labels)
                return
            for strength in linear.STRENGTHS:
                model = LinearSVC(C=strength, random_state=0).fit(features.learnt_NF, labels)
                yield partial(_said, model, features)


def _nearest(features: linear.Features, labels: Sequence[str], rows: Sequence[Row]) -> list[Prediction]:
    found = nearest_labels(features.learnt_NF, [[label] for label in labels], features.of(rows), 1)
    return [{"label": label} for (label,) in found]


def _said(model: LinearSVC, features: linear.Features, rows: Sequence[Row]) -> list[Prediction]:
    return predicted(model, features.of(rows))


def predicted(model: LinearSVC | Pipeline, asked: Any) -> list[Prediction]:
    """What a linear model says of rows as it reads them."""
    labels, found = model.predict(asked), of_margins(model.classes_.tolist(), model.decision_function(asked))
    return [{"label": str(label), "probabilities": one} for label, one in zip(labels, found, strict=True)]


def check_label(label: str, labels: Sequence[str]) -> None:
    """Raise BadRowError for a label outside the set."""
    if label not in label_numbers(labels):
        known = ", ".join(labels[:8]) + (", ..." if len(labels) > 8 else "")
        raise BadRowError(
            f"label '{label:.60}' is not in the label set{near_miss(label, labels)}; expected one of {known}"
        )


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    return np.asarray(exponentials / exponentials.sum())


FAMILY = Classification()
