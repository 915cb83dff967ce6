"""What the report draws of a head besides its metrics: classes, confusions, curves, reliability, lengths."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from typing import Any

import numpy as np

from components.data.contract.excerpt import excerpt
from components.evaluation import row_scores
from components.evaluation.answered import AnsweredHead
from components.evaluation.gates.calibration import reliability
from components.evaluation.intervals import interval, worth_of, worth_of_value
from components.evaluation.picture_records import (
    ClassScore,
    Confusion,
    Curve,
    Example,
    LengthBin,
    ReliabilityBin,
)
from components.evaluation.summary import brief, shorten
from components.evaluation.units import Units, sample
from components.families.base.capabilities import OneClassEach, Probabilities, ScoredClasses
from components.families.shared.ranks import average_precision_values, roc_auc_values

MOST_CONFUSIONS = 1000  # that are kept: all of some 30 classes
CURVES = 6  # classes that are drawn, those that are told apart worst
LEAST_POSITIVES = 10  # of a class, for a curve that says anything
POINTS = 60  # of a curve
BINS = 10  # of the reliability diagram
LENGTHS = 5  # parts of the test rows, by their length, of about as many rows
LEAST_ROWS = 20  # in each of them
WORST, EXCERPT = 10, 200  # rows that are shown, and characters of their texts


def draw(head: AnsweredHead) -> dict[str, Any]:
    """Fields of HeadEvidence."""
    return {
        "classes": classes(head),
        "confusions": confusions(head),
        "curves": curves(head),
        "reliability": reliability_bins(head),
        "lengths": lengths(head),
        "worst": worst(head),
    }


def classes(head: AnsweredHead) -> list[ClassScore]:
    """Precision, recall and F1 of each class."""
    return [
        ClassScore(name=one.name, rows=one.gold, f1=one.f1, precision=one.precision, recall=one.recall)
        for one in head.family.report(head.rows, head.said["model"], head.facts)
    ]


def confusions(head: AnsweredHead) -> list[Confusion]:
    """Which class was taken for which, and how often."""
    if not isinstance(head.family, OneClassEach):
        return []
    family, facts = head.family, head.facts
    pairs = zip(head.rows, head.said["model"], strict=True)
    counts = Counter(pair for row, one in pairs for pair in family.class_pairs(row, one, facts))
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_CONFUSIONS]
    return [Confusion(gold=gold, said=one, count=count) for (gold, one), count in most]


def curves(head: AnsweredHead) -> list[Curve]:
    """ROC, and precision over recall, of the classes that are told apart worst. Of two classes the curves are
    each other's mirror: only the rarer is drawn."""
    if not isinstance(head.family, ScoredClasses):
        return []
    found = head.family.scored_classes(head.rows, head.said["model"], head.facts)
    drawn = (_curve(*one) for one in found if one[1].sum() >= LEAST_POSITIVES)  # one at a time in memory
    if isinstance(head.family, OneClassEach) and len(head.family.label_set(head.facts)) == 2:
        return sorted(drawn, key=lambda one: one.rows)[:1]
    return heapq.nsmallest(CURVES, drawn, key=lambda one: one.area)


def _curve(name: str, y_N: np.ndarray, p_N: np.ndarray) -> Curve:
    order = np.argsort(-p_N, kind="stable")
    last_of_equals = np.append(np.flatnonzero(np.diff(p_N[order])), len(p_N) - 1)
    rows_upto, hits_upto = last_of_equals + 1, y_N[order].cumsum()[last_of_equals]
    hits, misses = hits_upto / y_N.sum(), (rows_upto - hits_upto) / (1 - y_N).sum()
    return Curve(
        name=name,
        rows=int(y_N.sum()),
        area=float(roc_auc_values(y_N, p_N).mean()),
        precision=float(average_precision_values(y_N, p_N).mean()),
        roc=[[0.0, 0.0], *_thinned(misses, hits)],
        precision_recall=_thinned(hits, hits_upto / rows_upto),
    )


def _thinned(x: np.ndarray, y: np.ndarray) -> list[list[float]]:
    """At most POINTS of the points, evenly along the curve, its ends among them."""
    along = np.append(0, np.hypot(np.diff(x), np.diff(y)).cumsum())
    wanted = np.linspace(0, along[-1], POINTS)
    kept = np.unique(np.append(np.searchsorted(along, wanted).clip(max=len(x) - 1), len(x) - 1))
    points: list[list[float]] = np.stack([x[kept], y[kept]], axis=1).round(4).tolist()
    return points


def reliability_bins(head: AnsweredHead) -> list[ReliabilityBin]:
    """How often answers of about one probability are right."""
    if not isinstance(head.family, Probabilities) or not head.rows:
        return []
    return reliability(head.family, BINS, head.rows, head.said["model"], head.facts)


def lengths(head: AnsweredHead) -> list[LengthBin]:
    """The gate's metric on the shortest texts, the next longer ones, and so on."""
    length_N = np.array([len(head.family.text_of(row).strip()) for row in head.rows])
    parts = min(LENGTHS, len(length_N) // LEAST_ROWS)
    if parts < 2 or length_N.min() == length_N.max():
        return []
    edges = np.unique(np.quantile(length_N, np.arange(1, parts) / parts).round())
    part_N = np.searchsorted(edges, length_N, side="right")
    return [_of_length(head, length_N, np.flatnonzero(part_N == part)) for part in np.unique(part_N)]


def _of_length(head: AnsweredHead, length_N: np.ndarray, chosen: np.ndarray) -> LengthBin:
    rows, said = ([side[number] for number in chosen] for side in (head.rows, head.said["model"]))
    metric, settings = head.metrics[0], head.settings
    statistics_NS = metric.statistics(rows, said, head.facts)
    units = Units.of_rows(head.family, rows)
    measured = sample(metric, statistics_NS, units)
    worth = worth_of_value(measured)
    if "trivial" in head.said:
        trivial = [head.said["trivial"][number] for number in chosen]
        worth = worth_of(metric, statistics_NS, metric.statistics(rows, trivial, head.facts), units)
    return LengthBin(
        shortest=int(length_N[chosen].min()),
        longest=int(length_N[chosen].max()),
        rows=len(rows),
        value=measured.value,
        interval=interval(metric, measured, settings.confidence, worth),
    )


def worst(head: AnsweredHead) -> list[Example]:
    """The rows that the model is farthest off on, where the settings allow their texts in a report."""
    if not head.settings.show_texts:
        return []
    scored = row_scores.score(head.card, head.gated, head.rows, head.said["model"])
    texts = {row["id"]: head.family.text_of(row) for row in head.rows}
    return [_example(row, texts[row.id]) for row in row_scores.worst_first(scored)[:WORST]]


def _example(row: row_scores.ScoredRow, text: str) -> Example:
    said = {name: row.said[name] for name in row.gold if name in row.said}
    gold, answer = brief(row.gold), brief(said or row.said)
    return Example(
        id=row.id,
        text=excerpt(text, EXCERPT),
        gold=shorten(gold, EXCERPT),
        said=shorten(answer, EXCERPT),
        value=row.value if math.isfinite(row.value) else None,
    )
