"""Classification: a text, or a pair of texts, belongs to one of C classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from components.errors import near_miss
from components.tasks.base import (
    BadRowError,
    Check,
    Facts,
    Family,
    Prediction,
    Row,
    encode_texts,
    read_text,
)

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding, Tokenizer
    from torch import nn

    from components.settings import Checks


class ClassificationAnswer(BaseModel):
    """The most probable label, and the probability of every label."""

    label: str
    probability: float
    probabilities: dict[str, float]


class Classification(Family):
    """Softmax cross-entropy over the pooled states."""

    name = "classification"
    roles: ClassVar[Mapping[str, bool]] = {"text": True, "label": True, "text_pair": False, "id": False}
    metrics = ("accuracy", "macro_f1")
    target_type = pa.int64()
    response = ClassificationAnswer

    def read(self, record: Mapping[str, Any]) -> Row:
        pair = read_text(record, "text_pair") if "text_pair" in record else None
        return {"text": read_text(record, "text"), "text_pair": pair, "label": read_text(record, "label")}

    def schema(self) -> pa.Schema:
        return pa.schema([("text", pa.string()), ("text_pair", pa.string()), ("label", pa.string())])

    def target_of(self, row: Row) -> Any:
        return row["label"]

    def learn_facts(self, rows: Sequence[Row], labels: list[str] | None) -> Facts:
        found = {row["label"] for row in rows}
        return {"labels": labels if labels is not None else sorted(found)}

    def check_row(self, row: Row, facts: Facts) -> None:
        if row["label"] not in facts["labels"]:
            known = ", ".join(facts["labels"][:8]) + (", ..." if len(facts["labels"]) > 8 else "")
            raise BadRowError(
                f"label '{row['label']}' is not in the label set"
                f"{near_miss(row['label'], facts['labels'])}; expected one of {known}"
            )

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from great_expectations.expectations import ExpectColumnValuesToBeInSet

        from components.data.expectations import ExpectEveryClassInTraining

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
        counts = Counter(table["label"].to_pylist())
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def encode(self, tokenizer: Tokenizer, table: pa.Table, facts: Facts) -> dict[str, list[Any]]:
        number = {label: index for index, label in enumerate(facts["labels"])}
        targets = [number[label] for label in table["label"].to_pylist()]
        return {**encode_texts(tokenizer, table), "target": targets}

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        import torch

        return torch.tensor(targets, dtype=torch.int64)

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.model.heads import PooledHead

        return PooledHead(hidden_size, len(facts["labels"]))

    def loss(self, logits: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, int]:
        from torch.nn.functional import cross_entropy

        return cross_entropy(logits, target, reduction="sum"), len(target)

    def units(self, target: Any) -> int:
        return 1

    def decode(self, logits: np.ndarray, encoded: Row, facts: Facts) -> Prediction:
        probabilities = _softmax(logits)
        best = int(probabilities.argmax())
        return {"label": facts["labels"][best], "probability": float(probabilities[best])}

    def answer(self, logits: np.ndarray, encoding: Encoding, text: str, facts: Facts) -> Prediction:
        probabilities = _softmax(logits).tolist()
        by_label = dict(zip(facts["labels"], probabilities, strict=True))
        label = max(by_label, key=lambda name: by_label[name])
        return {"label": label, "probability": by_label[label], "probabilities": by_label}

    def statistics(
        self, metric: str, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
    ) -> np.ndarray:
        number = {label: index for index, label in enumerate(facts["labels"])}
        gold_N = np.array([number[row["label"]] for row in rows])
        predicted_N = np.array([number[prediction["label"]] for prediction in predictions])
        if metric == "accuracy":
            return np.stack([gold_N == predicted_N, np.ones(len(rows))], axis=1).astype(np.float64)
        classes, index = len(number), np.arange(len(rows))
        statistics_NCS = np.zeros((len(rows), classes, 3))  # true positives, predicted, gold
        statistics_NCS[index[gold_N == predicted_N], gold_N[gold_N == predicted_N], 0] = 1
        statistics_NCS[index, predicted_N, 1] = 1
        statistics_NCS[index, gold_N, 2] = 1
        return statistics_NCS.reshape(len(rows), classes * 3)

    def value(self, metric: str, sums: np.ndarray) -> np.ndarray:
        """Accuracy, or the unweighted mean F1 of the classes that occur in gold or predictions."""
        if metric == "accuracy":
            return np.asarray(sums[:, 0] / np.maximum(sums[:, 1], 1))
        hits_RC, predicted_RC, gold_RC = np.moveaxis(sums.reshape(len(sums), -1, 3), 2, 0)
        present_RC = predicted_RC + gold_RC > 0
        f1_RC = 2 * hits_RC / np.where(present_RC, predicted_RC + gold_RC, 1)
        return np.asarray(f1_RC.sum(1) / np.maximum(present_RC.sum(1), 1))

    def trivial(self, train: Sequence[Row], test: Sequence[Row]) -> list[Prediction]:
        majority = Counter(row["label"] for row in train).most_common(1)[0][0]
        return [{"label": majority} for _ in test]

    def linear(self, train: Sequence[Row], test: Sequence[Row]) -> list[Prediction]:
        """Word unigrams and bigrams, TF-IDF, a linear support vector machine."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC

        model = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LinearSVC(random_state=0)
        )
        model.fit([self.text_of(row) for row in train], [row["label"] for row in train])
        return [{"label": str(label)} for label in model.predict([self.text_of(row) for row in test])]


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    return np.asarray(exponentials / exponentials.sum())


FAMILY = Classification()
