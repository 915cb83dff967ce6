"""What a model scores on held-out rows, and how far chance alone may move it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from components import families
from components.data.encoding.split import EncodedSplit
from components.families.base import Row
from components.keyed import derive_seed, permute
from components.model.inference import predict
from components.model.multitask import MultiTaskModel
from components.training.step.stepper import Splits

FEWEST = 50  # rows of a head: a standard error of .07 for a share of a half
ReadRows = Callable[[str, list[int]], list[Row]]


class Measured(NamedTuple):
    """A head's first metric on some rows."""

    score: float
    error: float  # its standard error, if no row hangs on another
    rows: float  # those that have the head's target


def measure(
    model: MultiTaskModel, validation: Splits, limit: int, seed: int, read_rows: ReadRows
) -> dict[str, Measured]:
    """Each head on the same `limit` validation rows of its task every time."""
    found = {}
    for task, split in validation.items():
        heads = [head for head, card in model.config.tasks.items() if card["task"] == task]
        rows = _drawn(split, heads, limit, derive_seed(seed, task, "validation"))
        for head, predictions in predict(model, task, split, rows.tolist()).items():
            card = model.config.tasks[head]
            gold = read_rows(head, rows[split.labelled(head)[rows]].tolist())
            metric = families.get(card["family"]).metrics_for(card["facts"]["options"])[0]
            statistics_NS = metric.statistics(gold, predictions, card["facts"])
            error = metric.standard_error(statistics_NS)
            found[head] = Measured(metric.total(statistics_NS), error, float(len(gold)))
    return found


def _drawn(split: EncodedSplit, heads: Sequence[str], limit: int, key: int) -> np.ndarray:
    """The first `limit` rows of the keyed order; and of a head that has fewer than `FEWEST` among them its
    first ones wherever they stand, so that a head with labels on few rows is measured at all."""
    count = min(limit, len(split))
    rows = permute(np.arange(count), len(split), key)
    for head in heads:
        known_N = split.labelled(head)
        fewest = min(FEWEST, limit, int(known_N.sum()))
        if int(known_N[rows].sum()) < fewest:
            order_N = permute(np.arange(len(split)), len(split), key)
            more = order_N[known_N[order_N] & ~np.isin(order_N, rows)]
            rows = np.concatenate([rows, more[: fewest - int(known_N[rows].sum())]])
    return rows


def evaluate(
    model: MultiTaskModel, validation: Splits, limit: int, seed: int, read_rows: ReadRows
) -> dict[str, float]:
    """The scores of `measure`."""
    found = measure(model, validation, limit, seed, read_rows)
    return {head: of_head.score for head, of_head in found.items()}


def mean(measured: Mapping[str, Measured]) -> Measured:
    """Of the heads, each counted by its rows: so a mean that is to tell two models apart is moved little by
    a score that few rows make."""
    rows_K = np.array([max(one.rows, 1.0) for one in measured.values()])
    scores_K, errors_K = (np.array([one[part] for one in measured.values()]) for part in (0, 1))
    share_K = rows_K / rows_K.sum()
    return Measured(
        float(share_K @ scores_K), math.sqrt(float(share_K**2 @ errors_K**2)), float(rows_K.sum())
    )
