"""What evaluation asks of a family: metrics, and the baselines that a model is measured against."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from components.families.base.metric import Metric
from components.families.base.records import Facts, Prediction, Row


class EvaluationPart(abc.ABC):
    """Predictions are those of `decode`; a baseline's may hold no more than the metrics look at."""

    metrics: ClassVar[tuple[Metric, ...]]
    """All that the family can measure."""

    def metrics_for(self, options: Mapping[str, Any]) -> tuple[Metric, ...]:
        """The metrics of a task with these options; the first chooses the best evaluation of a training."""
        return self.metrics

    def comparable(self, known: Facts, facts: Facts) -> bool:
        """Can a champion that has learnt the facts `known` be measured on rows encoded with `facts`?"""
        return bool(known.get("labels") == facts.get("labels"))

    def facts_to_ask(self, known: Facts, facts: Facts) -> Facts:
        """What rows are encoded with to ask a model that has learnt the facts `known`, where today's are
        `facts`: its own."""
        return known

    def report(
        self, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
    ) -> list[tuple[str, int, float]]:
        """What the evaluation page draws of each class or type: (its name, gold occurrences, F1)."""
        return []

    @abc.abstractmethod
    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """Predictions of the majority or the mean of the training rows."""

    @abc.abstractmethod
    def tfidf_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """Predictions of TF-IDF features with a linear model trained on the same rows."""
