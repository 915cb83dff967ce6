"""What evaluation asks of a family: metrics, and the baselines that a model is measured against."""

from __future__ import annotations

import abc
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from components.families.base.metric import Metric
from components.families.base.records import ClassCounts, Facts, Prediction, Row


class EvaluationPart(abc.ABC):
    """Predictions are those of `decode`; a baseline's may hold no more than the metrics look at."""

    metrics: ClassVar[tuple[Metric, ...]]
    """All that the family can measure."""

    def metrics_for(self, options: Mapping[str, Any]) -> tuple[Metric, ...]:
        """The metrics of a task with these options; the first chooses the best evaluation of a training."""
        return self.metrics

    def changed(self, known: Facts, facts: Facts) -> str | None:
        """Why a champion that has learnt the facts `known` cannot be measured where today's are `facts`: what
        changed, as a clause. None where it can be; another label set is no reason (`label_set`)."""
        return None

    def label_set(self, facts: Facts) -> Mapping[str, Any]:
        """The closed set that answers are of, if they are: label -> what it stands for. A champion and a
        candidate are compared on the labels that stand for the same in both their sets."""
        return dict.fromkeys(facts.get("labels", ()))

    def labels_of(self, one: Row | Prediction, facts: Facts) -> Iterable[str]:
        """The labels, as `label_set` has them, of a row's targets or of a prediction."""
        return ()

    def facts_in_common(self, facts: Facts, labels: Collection[str]) -> Facts:
        """What metrics are given where two models are compared that have these labels in common: another
        one is wrong, and no class of its own."""
        return facts

    def facts_to_ask(self, known: Facts, facts: Facts) -> Facts:
        """What rows are encoded with to ask a model that has learnt the facts `known`, where today's are
        `facts`: its own."""
        return known

    def report(
        self, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
    ) -> list[ClassCounts]:
        """What the evaluation page says of each class or type."""
        return []

    @abc.abstractmethod
    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """Predictions of the majority or the mean of the training rows."""

    @abc.abstractmethod
    def tfidf_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """Predictions of TF-IDF features with a linear model trained on the same rows. A family with several
        such models declares `TunedBaseline`."""
