"""reports/training.html: what training went through, for people. One file that opens offline.

Drawn from reports/training.json alone. A place in a drawing is in per cent of its width and height.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from components.files import atomic_file
from components.training.run.watcher import Entry

TEMPLATE = "page.html.jinja"
COLOURS = ("#2f78b7", "#d58a1f", "#159a73", "#c05f97", "#4fb0d6", "#cf5a28", "#8f8f2f", "#8f4fc0")
DOTS = 60  # more evaluations than these are a line without dots
Points = list[tuple[int, float]]  # (step, value)


def write_page(path: Path, evaluations: Sequence[Entry]) -> None:
    """Draw the evaluations of a run; the file is whole or absent."""
    with atomic_file(path) as temporary:
        temporary.write_text(render(evaluations), encoding="utf-8")


def render(evaluations: Sequence[Entry]) -> str:
    """The page as HTML."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    last, kept = evaluations[-1], max(evaluations, key=lambda entry: entry["score"])
    return environment.get_template(TEMPLATE).render(
        last=last,
        kept=kept,
        kept_at=100 * kept["step"] / last["step"],
        heads=[_head(head, evaluations, kept) for head in last["validation"]],
        weights=chart({head: over(evaluations, "weights", head) for head in last["validation"]}, low=0.0),
        mixture=chart({task: over(evaluations, "mixture", task) for task in last["mixture"]}, low=0.0),
        rate=chart({"": [(entry["step"], entry["learning_rate"]) for entry in evaluations]}, low=0.0),
        cosines=cosines(evaluations),
    )


def over(evaluations: Iterable[Entry], kind: str, name: str) -> Points:
    """The values of one kind and name; a head that no step drew since the last evaluation has none."""
    return [(entry["step"], entry[kind][name]) for entry in evaluations if name in entry[kind]]


def _head(head: str, evaluations: Sequence[Entry], kept: Entry) -> dict[str, Any]:
    scores = over(evaluations, "validation", head)
    best_step, best = max(scores, key=lambda point: point[1])
    losses = over(evaluations, "training_loss", head)
    return {
        "name": head,
        "best": best,
        "best_step": best_step,
        "kept": kept["validation"][head],
        "loss": losses[-1][1] if losses else None,
        "scores": chart({head: scores}),
        "losses": chart({head: losses}, low=0.0),
    }


def chart(series: Mapping[str, Points], low: float | None = None) -> dict[str, Any]:
    """Lines on a common scale, from `low` (or the smallest value) to the largest, and from step 0 on."""
    values = [value for points in series.values() for _, value in points] or [0.0]
    last = max((step for points in series.values() for step, _ in points), default=1)
    bottom, top = min(values) if low is None else low, max(values)
    height = (top - bottom) or 1.0
    lines = []
    for number, (name, points) in enumerate(series.items()):
        places = [
            {"x": 100 * step / last, "y": 100 * (top - value) / height, "step": step, "value": value}
            for step, value in points
        ]
        colour = COLOURS[number % len(COLOURS)]
        lines.append({"name": name, "colour": colour, "places": places, "dots": len(places) <= DOTS})
    return {"low": bottom, "high": top, "last": last, "lines": lines}


def cosines(evaluations: Iterable[Entry]) -> dict[str, Any] | None:
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
    return {"heads": heads, "rows": [[means.get(frozenset((row, head))) for head in heads] for row in heads]}
