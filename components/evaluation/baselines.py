"""What a task must be compared with: the majority or mean, and the best of some linear models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from components import families
from components.data.contract.cards import task_card
from components.data.contract.rows import labelled_rows
from components.families.base import Facts, Family, Prediction, Row
from components.families.base.capabilities import TunedBaseline
from components.files import atomic_folder, write_json


def baselines(data: Path, target: Path) -> None:
    """Fit both on the training rows of every head and write their predictions of its test rows."""
    with atomic_folder(target) as folder:
        for head, card in task_card(data).heads.items():
            family, facts = families.get(card.family), card.facts
            train, validation, test = (
                labelled_rows(data, split, head) for split in ("train", "validation", "test")
            )
            found = {
                "trivial": family.majority_baseline(train, test, facts),
                "linear": best_linear(family, train, validation, test, facts),
            }
            (folder / head).mkdir()
            for name, predictions in found.items():
                write_json(folder / head / f"{name}.json", predictions)


def best_linear(
    family: Family, train: Sequence[Row], validation: Sequence[Row], test: Sequence[Row], facts: Facts
) -> list[Prediction]:
    """Predictions of the linear model that is best on the validation rows, by the metric that chooses the
    evaluation of a training as well; of equals, of the plainest."""
    if not isinstance(family, TunedBaseline) or not validation:
        return family.tfidf_baseline(train, test, facts)
    metric = family.metrics_for(facts["options"])[0]
    best, predictions = -float("inf"), None
    for predict in family.linear_models(train, facts):
        worth = float(np.nan_to_num(metric.measure(validation, predict(validation), facts), nan=-np.inf))
        if predictions is None or worth > best:
            best, predictions = worth, predict(test)
    assert predictions is not None  # noqa: S101 there is one at least
    return predictions
