"""reports/sharing.html: does sharing help, for people. One file that opens offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from components.files import atomic_file

WIDTH, ROW = 560, 34  # of the drawing of the gains, in its own units


def write(path: Path, report: dict[str, Any]) -> None:
    """Render the page of a report."""
    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        Path(__file__).with_name("page.html.jinja").read_text(encoding="utf-8")
    )
    html = template.render(
        report=report,
        drawing=_drawing(report["tasks"]),
        matrices=[
            {"title": "Cosine of the tasks' gradients", "digits": 2,
             "cells": _cells(report["cosine"], 1, 0.25)},
            {"title": "Look-ahead affinity, per cent", "digits": 3,
             "cells": _cells(report["look_ahead"], 100, 1e-9)},
        ],
    )  # fmt: skip
    with atomic_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _drawing(tasks: dict[str, Any]) -> dict[str, Any]:
    """Where each task's dot and interval stand, on one line of gains with zero on it."""
    ends = [end for task in tasks.values() for end in (task["interval"] or [task["gain"]])]
    seeds = [gain for task in tasks.values() for gain in task["by_seed"]]
    low, high = min(0.0, *ends, *seeds), max(0.0, *ends, *seeds)
    room = 0.04 * (high - low) or 1.0
    low, high = low - room, high + room

    def x(gain: float) -> float:
        return round(WIDTH * (gain - low) / (high - low), 1)

    rows = [
        {
            "name": name,
            "y": ROW * place + ROW // 2,
            "dot": x(task["gain"]),
            "interval": [x(end) for end in task["interval"]] if task["interval"] else None,
            "seeds": [x(gain) for gain in task["by_seed"]],
        }
        for place, (name, task) in enumerate(tasks.items())
    ]
    return {"rows": rows, "zero": x(0.0), "ends": [low, high], "width": WIDTH, "height": ROW * len(rows)}


def _cells(matrix: list[list[float | None]], scale: float, strong: float) -> list[list[dict[str, Any]]]:
    """Each number off the diagonal as it is shown, and how strong its colour is, in per cent: that of the
    largest is full, if it is as large as `strong`."""
    shown = [[None if i == j else value for j, value in enumerate(row)] for i, row in enumerate(matrix)]
    largest = max(strong, *(abs(value or 0.0) for row in shown for value in row))
    return [
        [
            {
                "value": None if value is None else scale * value,
                "strength": round(70 * abs(value or 0.0) / largest),
                "colour": "--blue" if (value or 0.0) >= 0 else "--bad",
            }
            for value in row
        ]
        for row in shown
    ]
