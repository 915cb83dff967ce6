"""Cases of synthetic rows and answers, as gates are given them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.data.contract.cards import HeadCard
from components.evaluation.common import CommonGround
from components.evaluation.gates import Case
from components.families.base import Prediction, Row
from components.settings.project import Evaluation, Gate, Project

FACTS = {"labels": ["a", "b"], "options": {"class_weights": "none", "label_smoothing": 0.0}}


def row(number: int, label: str, text: str | None = None, **slices: str) -> Row:
    """A row of a classification task."""
    text = f"some text {number:06}" if text is None else text
    found: Row = {"id": str(number), "text": text, "text_pair": None, "label": label, "groups": []}
    return {**found, "slice": slices} if slices else found


def case_of(
    rows: Sequence[Row],
    model: Sequence[Prediction],
    champion: Sequence[Prediction] | None = None,
    both: np.ndarray | None = None,
    **gate: Any,
) -> Case:
    """A classification head called mood; the champion can answer the rows of `both`, or all."""
    evaluation = Evaluation()
    project = Project.model_construct(seed=3, evaluation=evaluation)
    common = None
    if champion is not None:
        both_N = np.ones(len(rows), dtype=bool) if both is None else both
        common = CommonGround(both_N, FACTS, True, None if both is None else "the label set changed: +c")
    card = HeadCard(family="classification", facts=FACTS, task="mood", max_length=64, inputs=["text"])
    said = {"model": model} if champion is None else {"model": model, "champion": champion}
    wanted = Gate.model_validate({"metric": "accuracy", "floor": 0.0, "margin": 0.03, **gate})
    return Case(project, "mood", card, wanted, rows, said, Path(), common)
