"""reports/sharing.html: does sharing help, for people. One file that opens offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.comparison.records import SharingReport
from components.pages import charts, render

TEMPLATE = Path(__file__).with_name("page.html.jinja")
COSINE = "The cosine of two tasks' gradients on the encoder: 1, they pull one way; −1, against each other."
LOOK_AHEAD = (
    "By how much a gradient step on the row's task alone lowers the loss of the column's task; "
    "below zero, it raises it."
)


def write(path: Path, report: SharingReport) -> None:
    """Render the page of a report."""
    matrices = [
        {"title": "Cosine of the tasks' gradients", "what": COSINE, "digits": 2,
         "cells": charts.matrix(_off_diagonal(report.cosine, 1), 0.25)},
        {"title": "Look-ahead affinity, per cent", "what": LOOK_AHEAD, "digits": 3,
         "cells": charts.matrix(_off_diagonal(report.look_ahead, 100), 1e-9)},
    ]  # fmt: skip
    render.write(path, TEMPLATE, report=report, gains=gains(report.model_dump()["tasks"]), matrices=matrices)


def gains(tasks: Mapping[str, Any]) -> charts.Strip:
    """Each task's gain, its interval and its seeds, on one line of gains with zero on it."""
    values = [
        charts.Value(name, task["gain"], f"{task['gain']:+.3f}", task["interval"], task["by_seed"], own=True)
        for name, task in tasks.items()
    ]
    return charts.strip(values, [charts.Limit("0: as good as alone", 0.0, "zero")])


def _off_diagonal(matrix: Sequence[Sequence[float | None]], scale: float) -> list[list[float | None]]:
    """The numbers as they are shown, none of a task with itself."""
    return [
        [None if i == j or value is None else scale * value for j, value in enumerate(row)]
        for i, row in enumerate(matrix)
    ]
