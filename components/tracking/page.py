"""reports/training.html: what training went through, for people. One file that opens offline.

Drawn from reports/training.json alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from components.pages import charts
from components.pages import render as pages
from components.training.run import curve
from components.training.run.state import Entry

TEMPLATE = Path(__file__).with_name("page.html.jinja")
Points = list[tuple[int, float]]  # (step, value)
Kind = Literal["validation", "training_loss", "weights", "mixture"]


@dataclass(frozen=True)
class HeadCurves:
    """A head's scores and losses, as numbers and drawn."""

    name: str
    metric: str
    best: float
    best_step: int
    kept: float  # its score in the kept model
    error: float | None  # the standard error of that
    loss: float | None  # the last; None where no step drew it since the evaluation before
    scores: charts.Lines
    losses: charts.Lines


@dataclass(frozen=True)
class Part:
    """What counted how much, by head or by task: drawn, and as it was last."""

    title: str
    what: str
    of: str
    axis: str
    drawn: charts.Lines
    last: list[tuple[str, str]]


@dataclass(frozen=True)
class Cosines:
    """The mean cosine of each two heads' gradients; None where they were never compared."""

    heads: list[str]
    rows: list[list[float | None]]
    cells: list[list[dict[str, float | None]]]  # each with the strength of its colour


def write_page(path: Path, evaluations: Sequence[Entry], metrics: Mapping[str, str]) -> None:
    """Draw the evaluations of a run; the file is whole or absent."""
    pages.write(path, TEMPLATE, **_context(evaluations, metrics))


def render(evaluations: Sequence[Entry], metrics: Mapping[str, str]) -> str:
    """The page as HTML. `metrics`: what each head's validation score is."""
    return pages.render(TEMPLATE, **_context(evaluations, metrics))


def _context(evaluations: Sequence[Entry], metrics: Mapping[str, str]) -> dict[str, Any]:
    last, kept = evaluations[-1], max(evaluations, key=lambda entry: entry["score"])
    return {
        "last": last,
        "kept": kept,
        "curves": len(evaluations) > 1,
        "heads": [_head(head, metrics[head], evaluations, kept) for head in last["validation"]],
        "parts": _parts(evaluations, kept["step"]),
        "cosines": cosines(evaluations),
        "ahead": curve.ahead(evaluations),
        "states": {True: "yes", False: "no", None: "not known"},
        "fewest": curve.FEWEST,
    }


def over(evaluations: Iterable[Entry], kind: Kind, name: str) -> Points:
    """The values of one kind and name; a head that no step drew since the last evaluation has none."""
    return [(entry["step"], entry[kind][name]) for entry in evaluations if name in entry[kind]]


def _head(head: str, metric: str, evaluations: Sequence[Entry], kept: Entry) -> HeadCurves:
    scores = over(evaluations, "validation", head)
    best_step, best = max(scores, key=lambda point: point[1])
    losses = over(evaluations, "training_loss", head)
    return HeadCurves(
        name=head,
        metric=metric,
        best=best,
        best_step=best_step,
        kept=kept["validation"][head],
        error=(kept.get("errors") or {}).get(head),
        loss=losses[-1][1] if losses else None,
        scores=charts.lines({head: scores}, kept["step"]),
        losses=charts.lines({head: losses}, kept["step"], low=0.0),
    )


def _parts(evaluations: Sequence[Entry], kept: int) -> list[Part]:
    """Weights, shares and learning rate: as lines, and what they were last."""
    last = evaluations[-1]
    weights = {head: over(evaluations, "weights", head) for head in last["validation"]}
    shares = {task: over(evaluations, "mixture", task) for task in last["mixture"]}
    rate = {"encoder": [(entry["step"], entry["learning_rate"]) for entry in evaluations]}
    named = [
        ("Weight of each head's loss", "For the shared encoder, the mean since the evaluation before.",
         "head", "weight", weights),
        ("Share of each task", "Of the rows drawn, the mean since the evaluation before.",
         "task", "share", shares),
        ("Learning rate", "Of the encoder, in the step before each evaluation.", "part",
         "learning rate", rate),
    ]  # fmt: skip
    return [
        Part(title, what, of, axis, charts.lines(series, kept, low=0.0),
             [(name, charts.number_label(points[-1][1])) for name, points in series.items() if points])
        for title, what, of, axis, series in named
    ]  # fmt: skip


def cosines(evaluations: Iterable[Entry]) -> Cosines | None:
    """The mean over the evaluations of every pair's cosine, None where no step compared gradients."""
    found: dict[frozenset[str], list[float]] = {}
    for entry in evaluations:
        for head, others in entry["cosines"].items():
            for other, cosine in others.items():
                found.setdefault(frozenset((head, other)), []).append(cosine)
    if not found:
        return None
    heads = sorted({head for pair in found for head in pair})
    means = {pair: sum(values) / len(values) for pair, values in found.items()}
    rows = [[means.get(frozenset((row, head))) for head in heads] for row in heads]
    return Cosines(heads, rows, charts.matrix(rows, 0.5))
