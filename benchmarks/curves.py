"""Do learning curves foretell what a longer run comes to: `python -m benchmarks.curves`.

The project in the current folder, ingested and encoded, is trained with a small budget, with twice as much,
and so on. From each run's validation scores the next one's last score is foretold, as the report does
(components/training/run/curve.py): nine in ten are to lie in the interval. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.goals import Goal, finish
from components import params
from components.data.mixture import plan
from components.environment import restart_tuned
from components.settings.project import Project
from components.training.run import curve
from components.training.run.fit import Fit
from components.training.run.state import Entry
from components.training.run.watcher import Watcher

HELD = "share of the longer runs' scores in the interval of nine in ten"
NEVER = 10**9
STATES = {True: "yes", False: "no", None: "not known"}


def main() -> None:
    restart_tuned()
    arguments = _arguments()
    found = [one for seed in range(1, arguments.seeds + 1) for one in _foretold(arguments, seed)]
    _print(found)
    told = {key: vars(arguments)[key] for key in ("tokens", "doublings", "seeds", "evaluations")}
    width = float(np.median([one["high"] - one["low"] for one in found]))
    finish(_goals(found), arguments=told, mean_error=_error(found), median_width=width, runs=found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=48_000, help="of the shortest run")
    parser.add_argument("--doublings", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--evaluations", type=int, default=8, help="of each run")
    return parser.parse_args()


def _goals(found: list[dict[str, Any]]) -> list[Goal]:
    """With its standard error: heads of one run are not independent, so the true one is wider."""
    held = float(np.mean([one["held"] for one in found]))
    error = float(np.sqrt(held * (1 - held) / len(found)))
    return [Goal(HELD, held, (held - error, held + error), ">= 0.8")]


def _foretold(arguments: argparse.Namespace, seed: int) -> Iterator[dict[str, Any]]:
    """What each run foretells of the next, by head, and what that came to."""
    project = params.load()
    tokens = [arguments.tokens * 2**number for number in range(arguments.doublings + 1)]
    runs = [_history(project, budget, arguments.evaluations, seed) for budget in tokens]
    for budget, short, longer in zip(tokens, runs, runs[1:], strict=False):
        for head, own in curve.ahead(short).items():
            score = longer[-1]["validation"][head]
            low, high = own.interval
            yield {
                "head": head, "tokens": budget, "seed": seed, "last": short[-1]["validation"][head],
                "improving": own.improving, "foretold": own.twice, "low": low, "high": high,
                "came": score, "held": low <= score <= high, "steps": [entry["step"] for entry in short],
                "scores": [round(entry["validation"][head], 4) for entry in short],
            }  # fmt: skip


def _history(project: Project, tokens: int, evaluations: int, seed: int) -> list[Entry]:
    """The evaluations of a run of so many tokens."""
    every = max(1, tokens // project.training.tokens_per_step // evaluations)
    changes = {"tokens": tokens, "budget": None, "evaluate_every": every}
    changes |= dict.fromkeys(("patience", "checkpoint_every"), NEVER)
    shorter = project.model_copy(update={"training": project.training.model_copy(update=changes)})
    with tempfile.TemporaryDirectory(prefix="curves.") as area:
        fit = Fit(shorter, Path(), plan.plan(shorter, Path("encoded"), {}), seed, area=area)
        return fit.train(Watcher())[1]


def _error(found: list[dict[str, Any]]) -> dict[str, float]:
    """How far off the foretold score is, in the mean, beside that of "it stays as it is"."""
    return {
        what: float(np.mean([abs(one[what] - one["came"]) for one in found])) for what in ("foretold", "last")
    }


def _print(found: list[dict[str, Any]]) -> None:
    table = Table("head", "tokens", "last", "foretold for twice", "came to", "held", "improving", box=None)
    for one in found:
        foretold = f"{one['foretold']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"
        table.add_row(
            one["head"], f"{one['tokens']:,}", f"{one['last']:.3f}", foretold, f"{one['came']:.3f}",
            "yes" if one["held"] else "no", STATES[one["improving"]],
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
