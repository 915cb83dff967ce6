"""What training tasks together costs, in the loop's own steps: `python -m benchmarks.joint`.

- Steps of about 2,000 tokens of K = 4 tasks, in turns, over those of equal static weights and the plain
  sum: every loss weighting; and over the *same* rows (joint annotations, four heads on each row) PCGrad
  from the last shared layer's Gramian, FAMO, and the exact Gramian, whose price is (1 + 2K) / 3.
- Eight tasks trained jointly against eight single runs of the same rows of each task.

MiniLM, synthetic rows of lognormal length, one CPU thread and the process's own time; a GPU where there
is one. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.engine import FACTS, SETTINGS, Engine, model, now, plan_of, write
from benchmarks.goals import Goal, finish
from components.data.encoding.split import EncodedSplit
from components.data.mixture.draws import Plan
from components.environment import restart_tuned
from components.settings.training import Training
from components.training.run.loop import train
from components.training.run.watcher import Watcher

ENCODER = Path("downloads/minilm")
HEADS, ROWS_PER_STEP = 4, 64
STEPS = 4  # of a round, and of a single run
SUM = {"weights": "equal"}
APART: dict[str, dict[str, Any]] = {
    "equal": SUM,
    "static": {"weights": "static"},
    "uncertainty": {"weights": "uncertainty"},
    "loss_variance": {"weights": "loss_variance"},
    "dwa": {"weights": "dwa"},
    "gradnorm": {"weights": "gradnorm"},
    "famo": {"weights": "famo"},
    "famo, every 4": {"weights": {"method": "famo", "every": 4}},
}
TOGETHER: dict[str, dict[str, Any]] = {
    "equal": SUM,
    "pcgrad, representation": {**SUM, "combination": {"method": "pcgrad", "gramian": "representation"}},
    "pcgrad, last layer": {**SUM, "combination": {"method": "pcgrad", "gramian": "last_layer"}},
    "famo": {"weights": "famo"},
    "famo, every 4": {"weights": {"method": "famo", "every": 4}},
    "pcgrad, exact": {**SUM, "combination": "pcgrad"},
}
SINGLE = 8  # tasks


def main() -> None:
    restart_tuned()
    arguments = _arguments()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="joint.") as name:
        folder = Path(name)
        result = {
            "tasks of their own rows": _ways(arguments, folder / "apart", APART, joint=False),
            "tasks over the same rows": _ways(arguments, folder / "together", TOGETHER, joint=True),
            SINGLE_RUNS: _single(arguments, folder / "single"),
        }
    _print(result)
    finish(_goals(result), heads=HEADS, rows_per_step=ROWS_PER_STEP, results=result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", type=Path, default=ENCODER)
    parser.add_argument("--rounds", type=int, default=2, help="of four steps of each way, and of each run")
    return parser.parse_args()


def _ways(
    arguments: argparse.Namespace, folder: Path, ways: Mapping[str, Mapping[str, Any]], joint: bool
) -> dict[str, Any]:
    """The time of steps under each balancing over that of the first; every way takes the same batches."""
    heads = {f"t{number}": [f"t{number}"] for number in range(HEADS)}
    if joint:
        heads = {"t0": list(heads)}
    rows = ROWS_PER_STEP * STEPS
    splits = {task: write(folder, task, own, rows, n) for n, (task, own) in enumerate(heads.items())}
    plan = plan_of(list(heads), rows, 10 * STEPS, ROWS_PER_STEP)
    engines = {
        name: Engine(arguments.encoder, splits, heads, plan, balancing=how) for name, how in ways.items()
    }
    for engine in engines.values():
        engine.take(0)  # the first step makes the optimiser's moments
    rounds = []
    for number in range(arguments.rounds):
        steps = range(STEPS * number, STEPS * number + STEPS)
        taken = [{name: engine.take(step) for name, engine in engines.items()} for step in steps]
        rounds.append({name: sum(one[name] for one in taken) for name in engines})
    first = next(iter(ways))
    return {
        name: {"seconds": round(statistics.median(one[name] for one in rounds) / STEPS, 3)}
        | _spread([one[name] / one[first] for one in rounds])
        for name in engines
    }


def _single(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Whole trainings, the model read and the last evaluation included; steps of as many rows, all of one
    task or an eighth of each: as many of every task either way."""
    tasks, rows = [f"t{number}" for number in range(SINGLE)], ROWS_PER_STEP * STEPS
    splits = {task: write(folder, task, [task], rows, number) for number, task in enumerate(tasks)}

    def run(*names: str) -> float:
        plan = plan_of(names, rows, STEPS * len(names), ROWS_PER_STEP)
        return _training(arguments.encoder, {task: splits[task] for task in names}, plan, folder)

    run(tasks[0])  # the first pays for memory that is kept
    return _spread([run(*tasks) / sum(run(task) for task in tasks) for _ in range(arguments.rounds)])


def _training(encoder: Path, splits: Mapping[str, EncodedSplit], plan: Plan, folder: Path) -> float:
    """Seconds of the loop itself; the evaluation at its end is on rows of the training split."""
    once = dict.fromkeys(("evaluate_every", "checkpoint_every"), 10**9)
    settings = Training.model_validate({**SETTINGS, **once, "validation_rows": 32, "balancing": SUM})

    def read_rows(head: str, rows: Sequence[int]) -> list[dict[str, Any]]:
        return [{"label": FACTS["labels"][splits[head].target(row)]} for row in rows]

    start = now()
    trained = model(encoder, {task: [task] for task in splits})
    train(trained, plan, settings, 1, splits, splits, read_rows, folder / "checkpoints", Watcher())
    return now() - start


def _spread(ratios: list[float]) -> dict[str, Any]:
    return {
        "ratio": round(statistics.median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


GOALS = {"tasks of their own rows": "<= 1.05", "tasks over the same rows": "<= 1.1"}  # over the plain sum
PRICED = {"pcgrad, exact"}  # (1 + 2K) / 3 of a step, as docs/reference/benchmarks.md says: no goal
SINGLE_RUNS = "8 tasks jointly over 8 single runs"


def _goals(result: dict[str, Any]) -> list[Goal]:
    goals = []
    for title, goal in GOALS.items():
        for name, way in list(result[title].items())[1:]:
            low, high = way["spread"]
            line = f"{title}: {name}, step time over the plain sum"
            goals.append(Goal(line, way["ratio"], (low, high), None if name in PRICED else goal))
    low, high = result[SINGLE_RUNS]["spread"]
    return [*goals, Goal(SINGLE_RUNS, result[SINGLE_RUNS]["ratio"], (low, high), "<= 0.92")]


def _print(result: dict[str, Any]) -> None:
    table = Table(title="step time over the plain sum's")
    for name in ("", "seconds", "ratio", "from", "to"):
        table.add_column(name, justify="right" if name else "left")
    for title, ways in result.items():
        rows = {"": ways} if "ratio" in ways else ways
        if "" not in rows:
            table.add_row(title)
        for name, way in rows.items():
            low, high = way["spread"]
            seconds = f"{way['seconds']:g}" if "seconds" in way else ""
            table.add_row(
                f"  {name}" if name else title, seconds, f"{way['ratio']:g}", f"{low:g}", f"{high:g}"
            )
    Console().print(table)


if __name__ == "__main__":
    main()
