"""What do families that need no labels learn in minutes? `python -m benchmarks.self_supervised`.

Makes a task of each of them from real texts, passages of news by default (three neighbouring sentences of an
article; data/ and the encoder must be there), trains it alone on one thread with the settings of the
project and `--tokens` tokens, and measures it on all test rows, as `onetrunk run` does: each metric, that of
the trivial and the linear baseline, and the 95 % interval of the difference to the trivial one (over the
articles). Above zero, the task was learnt. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.fitting import cards_below, fit, splits
from benchmarks.goals import Goal, finish
from benchmarks.unlabelled import FAMILIES, NEWS, make
from components import families, params
from components.data.contract.rows import labelled_rows
from components.data.mixture.plan import plan as make_plan
from components.data.mixture.records import PlanRecord
from components.environment import quiet, restart_tuned
from components.evaluation.evaluate import compare
from components.evaluation.units import Units
from components.model.inference import predict
from components.model.multitask import MultiTaskModel
from components.settings.mixture import Mixture
from components.settings.project import Project
from components.settings.training import Training

NAME, CONFIDENCE = "unlabelled", 0.95
Measured = dict[str, Any]


def main() -> None:
    quiet()
    restart_tuned()
    arguments = _arguments()
    torch.set_num_threads(1)
    found = {family: learnt(family, arguments) for family in arguments.families}
    told = {key: vars(arguments)[key] for key in ("texts", "rows", "tokens", "seed")}
    _print(found, told)
    finish(_goals(found), **told, families=found)


def _goals(found: dict[str, Measured]) -> list[Goal]:
    """Every family's first metric is above its trivial baseline: the lower end of the paired interval."""
    goals = []
    for family, one in found.items():
        metric, value = next(iter(one["metrics"].items()))
        low, high = value["over_trivial"]
        goals.append(
            Goal(f"{family}: {metric} over trivial, lower end of the 95 % interval", low, (low, high), "> 0")
        )
    return goals


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", default=FAMILIES[:3], choices=FAMILIES)
    parser.add_argument("--texts", default=NEWS, help=f"a task whose training texts are read, or {NEWS}")
    parser.add_argument("--rows", type=int, default=4000, help="of the texts, at most")
    parser.add_argument("--tokens", type=int, default=80_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def learnt(family: str, arguments: argparse.Namespace) -> Measured:
    """One training: seconds of CPU, test rows, and each metric as the evaluation has it."""
    start = time.process_time()
    with tempfile.TemporaryDirectory(prefix="self_supervised.") as name:
        root, project = Path(name), params.load()
        task = make(NAME, family, arguments.texts, arguments.rows, project, root)
        project = project.model_copy(update={"tasks": {NAME: task}})
        training, plan = _plan(project, arguments.tokens, root)
        model = fit(project, training, plan, root, arguments.seed)
        seconds = time.process_time() - start
        rows, metrics = measured(model, root)
    return {"steps": plan.steps, "seconds": round(seconds), "test_rows": rows, "metrics": metrics}


def _plan(project: Project, tokens: int, root: Path) -> tuple[Training, PlanRecord]:
    steps = max(1, round(tokens / project.training.tokens_per_step))
    # One evaluation, at the end: what is measured are the last weights.
    changes = {"tokens": tokens, "evaluate_every": steps, "checkpoint_every": steps + 1}
    training = project.training.model_copy(update=changes)
    mixture = Mixture.model_validate({"method": "uniform"})
    whole = project.model_copy(update={"training": training, "mixture": mixture})
    return training, make_plan(whole, root / "encoded", {})


def measured(model: MultiTaskModel, root: Path) -> tuple[int, Measured]:
    """How many test rows there are, and what the project's evaluation says of them."""
    (card,) = cards_below(root, [NAME]).values()
    family, facts = families.get(card["family"]), card["facts"]
    learnt_from, rows = (labelled_rows(root / "data" / NAME, split, NAME) for split in ("train", "test"))
    answers = {
        "model": predict(model, NAME, splits(root, [NAME], "test")[NAME], range(len(rows)))[NAME],
        "trivial": family.majority_baseline(learnt_from, rows, facts),
        "linear": family.tfidf_baseline(learnt_from, rows, facts),
    }
    units = Units.of([row["groups"] for row in rows])
    return len(rows), {
        metric.name: compare(metric, rows, answers, facts, units, CONFIDENCE).model_dump()
        for metric in family.metrics_for(facts["options"])
    }


def _print(found: dict[str, Measured], told: Measured) -> None:
    table = Table(title=f"{told['tokens']:,} tokens of {told['texts']}, seed {told['seed']}")
    for name in ("family", "metric", "trivial", "linear", "learnt", "over trivial", "CPU s"):
        table.add_column(name, justify="left" if name in ("family", "metric") else "right")
    for family, one in found.items():
        for metric, value in one["metrics"].items():
            low, high = value["over_trivial"]
            row = (f"{value[who]:.3f}" for who in ("trivial", "linear", "value"))
            table.add_row(family, metric, *row, f"[{low:+.3f}, {high:+.3f}]", str(one["seconds"]))
    Console().print(table)


if __name__ == "__main__":
    main()
