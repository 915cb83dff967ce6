"""Which of the weights that a run goes through are the best to keep: all ways are tried on the same run.

Training keeps the weights of the scheduled evaluation at which the mean of the heads' validation scores is
best. Beside that: the best by fewer or more validation rows; by a mean in which a head counts by its rows;
the last weights; and their average at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.model.multitask import MultiTaskModel
from components.tracking import Watcher
from components.training.run.ema import ema_model
from components.training.run.state import Entry, State

DECAY = 0.98  # of the average
ROWS = (20, 80, 340)  # validation rows of a task
Scores = dict[str, float]
Measure = Callable[[MultiTaskModel, str, int], Scores]  # a model's scores on so many rows of a split


@dataclass
class Moments(Watcher):
    """Measures the weights at every evaluation of a run's second half, on validation and test rows, and their
    average at its end. It changes nothing of the run."""

    model: MultiTaskModel
    steps: int  # of the run
    rows: int  # test rows of a task, at most
    measure: Measure

    def __post_init__(self) -> None:
        self.average: Any = ema_model(self.model, DECAY)
        self.found: list[dict[str, Any]] = []
        self.of_average: Scores = {}

    def step(self, seen: object) -> None:
        self.average.update_parameters(self.model)

    def evaluated(self, entry: Entry) -> None:
        if 2 * entry["step"] < self.steps:
            return
        validation = {str(rows): self.measure(self.model, "validation", rows) for rows in ROWS}
        test = self.measure(self.model, "test", self.rows)
        self.found.append({"step": entry["step"], "validation": validation, "test": test})

    def stop(self, state: State) -> None:
        self.of_average = self.measure(self.average.module, "test", self.rows)

    def to_json(self) -> dict[str, Any]:
        return {"moments": self.found, "average": self.of_average}


def ways(found: dict[str, Any], sizes: dict[str, int]) -> Iterator[tuple[str, float]]:
    """Each way's name, and the points that its weights have above those of the best mean by 80 rows, as the
    mean over the heads. `sizes` are the heads' validation rows."""
    moments = found["moments"]

    def best(rows: int, weights: dict[str, float]) -> Scores:
        def score(moment: dict[str, Any]) -> float:
            scores = moment["validation"][str(rows)]
            return float(np.average([scores[h] for h in scores], weights=[weights[h] for h in scores]))

        test: Scores = max(moments, key=score)["test"]
        return test

    alike = dict.fromkeys(sizes, 1.0)
    usual = best(80, alike)
    tried = {f"best mean of {rows} rows": best(rows, alike) for rows in ROWS if rows != 80}
    for rows in ROWS[1:]:
        counted = {head: float(min(rows, size)) for head, size in sizes.items()}
        tried[f"best mean of {rows} rows, by rows"] = best(rows, counted)
    tried |= {"the last": moments[-1]["test"], f"average ({DECAY:g})": found["average"]}
    for name, test in tried.items():
        yield name, 100 * float(np.mean([test[head] - usual[head] for head in usual]))
