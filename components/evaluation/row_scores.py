"""Test rows beside what the model said of them, each with its own value of a metric: where is it wrong?

Legend: N rows, S statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components import families
from components.data.contract.cards import HeadCard
from components.data.contract.rows import labelled_rows
from components.data.encoding.split import cards_of
from components.errors import UserError, near_miss
from components.families.base import Facts, Family, Metric, Prediction, Row
from components.files import read_json
from components.settings.project import Project


@dataclass(frozen=True)
class ScoredRow:
    """A test row, what the model said, and how good that is."""

    id: str
    inputs: Row  # what the model read
    gold: Row  # the targets
    said: Prediction
    metric: str  # that `value` is of
    value: float  # more is better; not a number where the metric says nothing of the row
    right: bool  # the answer is the gold one, to the letter


def read(project: Project, root: Path, head: str) -> list[ScoredRow]:
    """The test rows of a head in the order of their file, by predictions/<head>.json.

    Raises:
        UserError: there is no such head, or it was not evaluated on the rows that are here.
    """
    heads = project.heads()
    if head not in heads:
        raise UserError(f"no task '{head}'{near_miss(head, heads)}; expected one of {', '.join(heads)}")
    task, annotation = heads[head]
    file = root / "predictions" / f"{head}.json"
    if not file.is_file():
        raise UserError(f"predictions/{head}.json: not evaluated yet; run `onetrunk run`")
    rows = labelled_rows(root / "data" / task, "test", head)
    said = [{key: value for key, value in one.items() if key != "id"} for one in read_json(file)]
    if [one["id"] for one in read_json(file)] != [row["id"] for row in rows]:
        raise UserError(f"{file.relative_to(root)}: of other rows than data/{task}; run `onetrunk run`")
    card = cards_of(root / "encoded" / task)[head]
    return score(card, annotation.gate.metric if annotation.gate else None, rows, said)


def score(
    card: HeadCard, gated: str | None, rows: Sequence[Row], said: Sequence[Prediction]
) -> list[ScoredRow]:
    """The rows of a head with what was said of them, each by the first metric that tells them apart, the
    gate's before the others."""
    family, facts = families.get(card["family"]), card["facts"]
    metrics, targets = in_order(family, facts, gated), family.target_schema().names
    name, value_N = values(metrics, rows, said, facts, targets)
    return [
        _scored(family, card["inputs"], row, one, name, float(value))
        for row, one, value in zip(rows, said, value_N, strict=True)
    ]


def in_order(family: Family, facts: Facts, gated: str | None) -> list[Metric]:
    """The family's metrics, the gate's first."""
    return sorted(family.metrics_for(facts["options"]), key=lambda metric: metric.name != gated)


def values(
    metrics: list[Metric],
    rows: Sequence[Row],
    predictions: Sequence[Prediction],
    facts: Facts,
    targets: list[str],
) -> tuple[str, np.ndarray]:
    """The name of the first of the metrics that tells single rows apart, and its value_N of each.

    A correlation or an area under a curve is not defined on one row; then the next metric is asked, and last
    the distance of the targets that are numbers. Where nothing tells rows apart, they are all equal.
    """
    found = []
    for metric in metrics:
        with np.errstate(all="ignore"):
            found.append((metric.name, metric.of_each_row(metric.statistics(rows, predictions, facts))))
    found += [
        _closeness(rows, predictions, name) for name in targets if _are_numbers(rows, predictions, name)
    ]
    return next(((name, value_N) for name, value_N in found if _tells_apart(value_N)), found[0])


def _tells_apart(value_N: np.ndarray) -> bool:
    return len(np.unique(value_N[np.isfinite(value_N)])) > 1


def _are_numbers(rows: Sequence[Row], predictions: Sequence[Prediction], name: str) -> bool:
    return all(isinstance(one.get(name), (int, float)) for one in (*rows, *predictions))


def _closeness(rows: Sequence[Row], predictions: Sequence[Prediction], name: str) -> tuple[str, np.ndarray]:
    gold_N, said_N = (np.array([one[name] for one in ones], float) for ones in (rows, predictions))
    return "negative_absolute_error", -np.abs(gold_N - said_N)


def worst_first(scored: list[ScoredRow]) -> list[ScoredRow]:
    """The rows that are not right, lowest value first; those that the metric says nothing of come last."""
    wrong = [row for row in scored if not row.right]
    return sorted(wrong, key=lambda row: (np.isnan(row.value), row.value))


def _scored(
    family: Family, inputs: list[str], row: Row, said: Prediction, metric: str, value: float
) -> ScoredRow:
    gold = {name: row[name] for name in family.target_schema().names}
    same = gold.keys() & said.keys()
    return ScoredRow(
        id=row["id"],
        inputs={name: row[name] for name in inputs},
        gold=gold,
        said=said,
        metric=metric,
        value=value,
        right=bool(same) and all(gold[name] == said[name] for name in same),
    )
