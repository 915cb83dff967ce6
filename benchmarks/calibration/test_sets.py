"""A test set of a world, through the pipeline's own comparison and verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.worlds import World
from components.evaluation import gate
from components.evaluation.against import CHAMPION, Meeting
from components.evaluation.common import CommonGround
from components.evaluation.difference import Difference
from components.evaluation.evaluate import compare
from components.evaluation.records import (
    ChampionEvidence,
    Comparison,
    Evaluation,
    GateRule,
    HeadEvidence,
    MetricEvidence,
    ModelId,
    Rules,
)
from components.evaluation.units import Units
from components.families.base import Metric
from components.settings.project import Evaluation as Settings

DEFAULTS = Settings()
CONFIDENCE = DEFAULTS.confidence
Measured = tuple[int, float, MetricEvidence]  # rows, margin, evidence


def evidence(world: World, rows: int, who: str, generator: np.random.Generator) -> Measured:
    """A model against the champion on a test set of about so many rows."""
    place_N, groups = world.draw(rows, generator)
    tables = {name: world.statistics(table[place_N]) for name, table in world.tables.items()}
    metric = of_tables(world.metric)
    answers: Any = {"model": tables[who], "trivial": tables["trivial"], "linear": tables["trivial"]}
    ground = CommonGround(np.ones(len(place_N), dtype=bool), {}, True, None)
    said: Any = tables["champion"]
    met = {CHAMPION: Meeting(said=said, ground=ground, since=None)}
    found = compare(metric, [], answers, {}, Units.of(groups), CONFIDENCE, met)
    return len(place_N), world.margin, found


def of_tables(metric: Metric) -> Metric:
    """The metric of answers that are its own statistics."""
    return replace(metric, statistics=lambda rows, said, facts: said)


def counted(found: Difference) -> MetricEvidence:
    """Of a model whose accuracy differs from the champion's .9 by what was won and lost."""
    value = 0.9 + found.value
    against = Comparison(
        value=0.9, difference=found.value, interval=found.interval(CONFIDENCE), p=found.p_worse(),
        low=found.low(CONFIDENCE), discordant=int(found.won + found.lost), rows=found.units, counted=found,
    )  # fmt: skip
    return MetricEvidence(
        value=value, interval=[value - 0.01, value + 0.01], trivial=0.4, linear=0.8,
        over_trivial=[0.4, 0.6], over_linear=[0.05, 0.15], champion=against,
    )  # fmt: skip


def verdict(heads: Mapping[str, Measured]) -> dict[str, str]:
    """What the gate says of each head, and of the release."""
    champion = ChampionEvidence(release="a", model="b", manifest="c", heads=list(heads), not_compared={})
    tasks = {
        name: HeadEvidence(
            task=name, family="", rows={"test": rows}, metrics={"m": measured}, share=1.0, classes=[]
        )
        for name, (rows, _, measured) in heads.items()
    }
    rules = Rules(
        gates={
            name: GateRule(metric="m", floor=-1.0, margin=margin) for name, (_, margin, _) in heads.items()
        },
        shown_loss=DEFAULTS.shown_loss,
        anchor_margin=DEFAULTS.anchor_margin,
    )
    found = gate.verdict(
        Evaluation(model=ModelId(sha256="d"), champion=champion, confidence=CONFIDENCE, tasks=tasks), rules
    )
    return {"release": found.verdict.lower(), **{name: task.gate for name, task in found.tasks.items()}}
