"""Does another way to compute the same model answer as well? By the paired test of the gate.

What the model answered when it was evaluated and what it answers now are compared on the same test rows:
each head's metric must be shown to be within its margin (`paired`, docs/explanation/gate.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from components import families
from components.data.contract.cards import HeadCard
from components.data.contract.rows import labelled_rows
from components.data.encoding.split import EncodedSplit
from components.evaluation import paired
from components.evaluation.intervals import difference, worth_of_value
from components.evaluation.records import HeadParity, TaskVerdict
from components.evaluation.units import Units, sample
from components.families.base import Prediction
from components.files import read_json
from components.model.inference import predict
from components.model.multitask import MultiTaskModel


def parity(
    root: Path, model: MultiTaskModel, judged: Mapping[str, TaskVerdict], confidence: float
) -> dict[str, HeadParity]:
    """What the model answers now beside predictions/<head>.json of the project in `root`, of every head that
    was judged; their margins are those of the verdict."""
    found = {}
    for task in dict.fromkeys(card["task"] for card in model.config.tasks.values()):
        split = EncodedSplit(root / "encoded" / task / "test.arrow")
        for head, said in predict(model, task, split, range(len(split)), list(judged)).items():
            before = read_json(root / "predictions" / f"{head}.json")
            card, data = model.config.tasks[head], root / "data" / task
            found[head] = compare(head, card, data, (before, said), judged[head], confidence)
    return found


def compare(
    head: str,
    card: HeadCard,
    data: Path,
    answers: tuple[Sequence[Prediction], Sequence[Prediction]],
    judged: TaskVerdict,
    confidence: float,
) -> HeadParity:
    """Two ways' answers, the model's own first, to the test rows of data/<task>.

    Raises:
        ValueError: the metric of the other's answers is no number.
    """
    family, facts = families.get(card["family"]), card["facts"]
    metric = next(one for one in family.metrics_for(facts["options"]) if one.name == judged.metric)
    rows = labelled_rows(data, "test", head)
    units = Units.of_rows(family, rows)
    tables = [metric.statistics(rows, said, facts) for said in answers]
    own, now = (sample(metric, table, units) for table in tables)
    if not math.isfinite(now.value):
        raise ValueError(f"{head}: {metric.name} of its answers is no number")
    counted = difference(now, own, worth_of_value(own))
    low = counted.low(confidence)
    return HeadParity(
        metric=metric.name,
        eager=own.value,
        value=now.value,
        difference=now.value - own.value,
        interval=counted.interval(confidence),
        low=low,
        margin=judged.margin,
        rows=len(rows),
        discordant=paired.discordant(tables[1], tables[0]),
        passes=low > -judged.margin,
    )
