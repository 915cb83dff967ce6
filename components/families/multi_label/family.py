"""Multi-label classification: any number of C labels hold of a text, or of a pair of texts."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, Field

from components.errors import BadRowError
from components.families.base import Check, ClassCounts, Facts, Family, Layout, Options, Prediction, Row
from components.families.base.capabilities import (
    Explained,
    NamedLabels,
    Predict,
    Probabilities,
    ScoredClasses,
    TunedBaseline,
)
from components.families.classification.family import check_label
from components.families.multi_label.metrics import METRICS, labels_of, of_each_label
from components.families.shared import linear
from components.families.shared.centroids import nearest_labels, too_many
from components.families.shared.fields import read_label
from components.families.shared.items import read_items, read_literal
from components.families.shared.label_numbers import label_numbers
from components.families.shared.metrics import counts_of_labels
from components.families.shared.probabilities import best_of, most_probable, of_margins, with_names
from components.families.shared.ranks import each_class
from components.families.shared.rewording import TextsReworded
from components.spelling import is_blank, plain

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from torch import nn

    from components.settings.project import Checks

HOLDS = {
    **dict.fromkeys(("1", "1.0", "true", "t", "yes", "y", "x", "✓", "✔"), True),
    **dict.fromkeys(("0", "0.0", "false", "f", "no", "n", ""), False),
}  # of a one-hot column
PADDING = -1  # fills up the label numbers of a row that has fewer than another


class MultiLabelAnswer(BaseModel):
    """The labels that hold, and the probability of every label by itself, or of the hundred most probable."""

    labels: list[str]
    probabilities: dict[str, float]


NAMES = ("name", "displayName", "label", "value")  # keys by which an object is called


class MultiLabelOptions(Options):
    """How labels are written, weighed and decided."""

    separator: str = Field(",", min_length=1)  # between the labels of a text
    threshold: float = Field(0.5, gt=0, lt=1)  # the probability from which a label holds
    positive_weights: Literal["none", "balanced"] = "none"  # balanced: a label's negatives / positives


class MultiLabel(Explained, TextsReworded, NamedLabels, ScoredClasses, Probabilities, TunedBaseline, Family):
    """Binary cross-entropy of each label over the pooled states, averaged over the labels."""

    name = "multi_label"
    hub_task = "text-classification"
    object_roles = ("labels",)
    targets: ClassVar[Mapping[str, bool]] = {"labels": True}
    options = MultiLabelOptions
    metrics = METRICS
    target_type = pa.list_(pa.int32())  # the numbers of the row's labels
    response = MultiLabelAnswer
    example = (
        {"text": "The parcel came late and broken."},
        {"labels": ["damage", "delay"], "probabilities": {"damage": 0.9, "delay": 0.8, "praise": 0.1}},
    )

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        return {"labels": read_labels(record.get("labels"), options["separator"])}

    def raw_labels(self, role: str, value: Any, options: Mapping[str, Any]) -> Any:
        return split_labels(value, options["separator"]) if role == "labels" else value

    def class_column(self, options: Mapping[str, Any]) -> str:
        return "labels"

    def target_schema(self) -> pa.Schema:
        return pa.schema([("labels", pa.list_(pa.string()))])

    def target_of(self, row: Row) -> Any:
        return tuple(sorted(row["labels"]))

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        counts: Counter[str] = Counter()
        total = 0
        for total, row in enumerate(rows, 1):  # noqa: B007 the last one is the number of rows
            counts.update(row["labels"])
        if not counts:
            raise BadRowError("no training row has a label, nothing to learn")
        names = labels if labels is not None else sorted(counts)
        facts: Facts = {"labels": names}
        if options["positive_weights"] == "balanced":
            # A label without a row, or without a row that lacks it, has nothing to be balanced.
            facts["weights"] = [(total - counts[name]) / (counts[name] or total) or 1.0 for name in names]
        return facts

    def check_row(self, row: Row, facts: Facts) -> None:
        for label in row["labels"]:
            check_label(label, facts["labels"])

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from components.families.shared.expectations import (
            ExpectEveryClassInTraining,
            ExpectItemsInSet,
        )

        names, few = facts["labels"], checks.min_rows_per_class
        in_set = ExpectItemsInSet(column="labels", value_set=names)
        at_all = ExpectEveryClassInTraining(column="labels", classes=names, minimum=1)
        enough = ExpectEveryClassInTraining(column="labels", classes=names, minimum=few)
        return [
            Check("every label is in the label set", in_set),
            Check("every label occurs in training", at_all),
            Check(f"at least {few} training rows per label", enough, "warning"),
        ]

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        """Rows per label; those without any are counted too."""
        counts = Counter(label for labels in table["labels"].to_pylist() for label in labels or ["(none)"])
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        number = label_numbers(facts["labels"])
        return [number[label] for label in row["labels"]]

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        """numbers_nK, K the most labels of a row."""
        import torch

        most = max(map(len, targets))
        return torch.tensor([[*t, *[PADDING] * (most - len(t))] for t in targets], dtype=torch.int64)

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.shared.heads import PooledHead

        return PooledHead(hidden_size, len(facts["labels"]))

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        from torch.nn.functional import binary_cross_entropy_with_logits, pad

        from components.device import sent

        # Column 0 takes the padding: number k is column k + 1.
        gold_nC = pad(logits.new_zeros(logits.shape), (1, 0)).scatter(1, target - PADDING, 1.0)[:, 1:]
        weights = sent(facts["weights"], logits) if "weights" in facts else None
        loss = binary_cross_entropy_with_logits(logits, gold_nC, pos_weight=weights, reduction="sum")
        return loss / logits.shape[1]

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        """The mean over the labels, as in the loss."""
        from components.families.shared.divergence import bernoulli

        return bernoulli(logits, others).mean(-1).sum()

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        names, probability_C = facts["labels"], sigmoid(logits)
        holds = np.flatnonzero(probability_C >= facts["options"]["threshold"])
        labels = [names[place] for place in holds]
        return {"labels": labels, "probabilities": most_probable(names, probability_C)}

    def support(self, answer: Prediction, first: Prediction) -> float:
        """Of the label that was most probable, whether it held or not."""
        probabilities: dict[str, float] = first["probabilities"]
        likeliest = max(probabilities, key=probabilities.__getitem__)
        return float(answer["probabilities"].get(likeliest, 0.0))

    def best_of(self, answer: Prediction, count: int) -> Prediction:
        """The labels that hold are all said."""
        return {**answer, "probabilities": best_of(answer["probabilities"], count)}

    def likelihoods(self, row: Row, said: Prediction, facts: Facts) -> list[tuple[float, bool]]:
        return [(probable, label in row["labels"]) for label, probable in said["probabilities"].items()]

    def labels_of(self, one: Row | Prediction, facts: Facts) -> Iterable[str]:
        return tuple(one["labels"])

    def relabelled(self, one: Row | Prediction, names: Mapping[str, str], facts: Facts) -> Row | Prediction:
        labels = dict.fromkeys(names.get(label, label) for label in one["labels"])
        return {**with_names(one, names), "labels": list(labels)}

    def facts_in_common(self, facts: Facts, labels: Collection[str]) -> Facts:
        return {**facts, "labels": [label for label in facts["labels"] if label in labels]}

    def report(
        self, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
    ) -> list[ClassCounts]:
        return counts_of_labels(of_each_label(rows, predictions, facts), facts["labels"])

    def scored_classes(
        self, rows: Sequence[Row], said: Sequence[Prediction], facts: Facts
    ) -> Iterable[tuple[str, np.ndarray, np.ndarray]]:
        return each_class(rows, said, facts["labels"], labels_of)

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The labels of at least half of the training rows, or else the most frequent one, if any."""
        counts = Counter(label for row in train for label in row["labels"])
        usual = [label for label, count in counts.items() if 2 * count >= len(train)]
        labels = sorted(usual) or [label for label, _ in counts.most_common(1)]
        return [{"labels": labels} for _ in test]

    def linear_models(self, train: Sequence[Row], facts: Facts) -> Iterator[Predict]:
        """TF-IDF of n-grams, a linear support vector machine for every label; of a large label set the
        nearest centroids, as many as a training row has labels in the mean."""
        from sklearn.preprocessing import MultiLabelBinarizer

        labels = [row["labels"] for row in train]
        if not any(labels):  # there is nothing to learn; the checks of the data say so
            yield partial(self.majority_baseline, train, facts=facts)
            return
        sets = MultiLabelBinarizer(sparse_output=True)
        holds_NC = sets.fit_transform(labels).tocsc()
        for features in linear.both(train):
            if too_many(len(sets.classes_), features.learnt_NF):
                yield partial(_nearest, features, labels)
                return
            for strength in linear.STRENGTHS:
                holds_CN = (holds_NC[:, [place]].toarray()[:, 0] for place in range(len(sets.classes_)))
                machines = [_machine(strength, features.learnt_NF, holds_N) for holds_N in holds_CN]
                yield partial(_said, machines, sets.classes_.tolist(), features)


def _machine(strength: float, learnt_NF: Any, holds_N: np.ndarray) -> Callable[[Any], np.ndarray]:
    """How far rows are on the side of a label; as far for all where every row of training has it."""
    from sklearn.svm import LinearSVC

    if holds_N.all():
        return lambda asked_MF: np.ones(asked_MF.shape[0])
    machine = LinearSVC(C=strength, random_state=0).fit(learnt_NF, holds_N)
    decide: Callable[[Any], np.ndarray] = machine.decision_function
    return decide


def _nearest(
    features: linear.Features, labels: Sequence[Sequence[str]], rows: Sequence[Row]
) -> list[Prediction]:
    usual = max(1, round(sum(map(len, labels)) / len(labels)))
    found = nearest_labels(features.learnt_NF, labels, features.of(rows), usual)
    return [{"labels": of_row} for of_row in found]


def _said(
    machines: Sequence[Callable[[Any], np.ndarray]],
    names: Sequence[str],
    features: linear.Features,
    rows: Sequence[Row],
) -> list[Prediction]:
    asked_MF = features.of(rows)
    margins_MC = np.stack([machine(asked_MF) for machine in machines], axis=1)
    return [
        {"labels": [name for name, far in zip(names, margin_C, strict=True) if far > 0], "probabilities": one}
        for margin_C, one in zip(margins_MC.tolist(), of_margins(names, margins_MC), strict=True)
    ]


def read_labels(value: Any, separator: str) -> list[str]:
    """The labels of a row: as `split_labels`, each a name, none twice; an empty list is none of them."""
    labels = split_labels(value, separator)
    if not isinstance(labels, list):
        raise BadRowError(
            f"'labels' is {value!r:.60}, expected a list of labels, or a text with '{separator}' between them"
        )
    numbered = {f"label {number}": name_of(label) for number, label in enumerate(labels, 1)}
    names = [read_label(numbered, role) for role in numbered]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:  # most often a one-hot vector, which would read as the labels 0 and 1
        raise BadRowError(
            f"'labels' is {value!r:.60}, '{repeated:.60}' is there twice; expected distinct names"
        )
    return names


def name_of(label: Any) -> Any:
    """What an object among labels is called, `{"name": "bug", "color": "red"}`; any other as it is."""
    if not isinstance(label, dict) or "start" in label:
        return label
    return next((label[key] for key in NAMES if isinstance(label.get(key), str)), label)


def split_labels(value: Any, separator: str) -> Any:
    """A list, as such or as Python, numpy or JSON write it; a text with a separator; an object, as one-hot
    columns make it, whose labels are those with 1, true or yes, or Label Studio's `{"choices": [...]}`."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with contextlib.suppress(ValueError):
            value = found if isinstance(found := read_literal(value), dict) else value
    if isinstance(value, dict) and isinstance(value.get("choices"), list):
        return value["choices"]
    if isinstance(value, dict):
        return [name for name, holds in value.items() if _holds(name, holds)]
    if not isinstance(value, str):
        return value
    if (found := read_items(value)) is not None:
        return found
    return [part for part in value.split(separator) if not is_blank(part)]


def _holds(name: str, value: Any) -> bool:
    """What a one-hot column says of its label, which surveys write once more; nothing is no."""
    found = HOLDS.get(plain(value).lower(), True if plain(value) == name else None)
    if found is None:
        raise BadRowError(f"'{name}' is {value!r:.60}, expected 1 or 0")
    return found


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0, -logits)))


FAMILY = MultiLabel()
