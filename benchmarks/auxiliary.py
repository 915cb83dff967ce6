"""Does a task that nobody has labelled help a small one beside it? `python -m benchmarks.auxiliary`.

Trains one task of the project (data/, encoded/ and the encoder must be there), the smallest one of tweets by
default, once alone and once with an `--auxiliary` beside it, for every seed, on one thread: hidden words, the
order of sentences or what belongs together in the `--texts` (training texts of another task, or passages of
news), or a knowledge graph of countries, their peoples, capitals, regions and provinces. Both ways take as
many steps and as many rows of the task, the same ones; the auxiliary's rows come on top, with a share that
falls from `--start` to none at 80 % of the run. Seeds vary the order of the rows and the heads' beginnings.
Results are kept in `--results` as they come: the same command goes on.

The kept model, the better of two evaluations on validation rows, is measured on all test rows of the task.
The table shows the difference of each seed, and their mean with its 95 % t-interval: where zero is within
it, these runs show no help. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.fitting import cards_below, fit, reader, splits
from benchmarks.goals import Goal, finish, over_seeds
from benchmarks.methods import t_interval
from benchmarks.unlabelled import FAMILIES, NEWS, make
from components import params
from components.data.mixture.plan import plan as make_plan
from components.data.mixture.records import PlanRecord
from components.environment import quiet, restart_tuned
from components.settings.mixture import Mixture
from components.settings.project import Project
from components.settings.training import Training
from components.training.run.measured import evaluate

ASIDE, UNTIL, ALONE = "aside", 0.8, "alone"
Run = dict[str, Any]


def main() -> None:
    quiet()
    restart_tuned()
    arguments = _arguments()
    torch.set_num_threads(1)
    own = {key: vars(arguments)[key] for key in ("task", "tokens")}
    beside = {key: vars(arguments)[key] for key in ("auxiliary", "texts", "start", "rows")}
    ways = {ALONE: own, f"with {arguments.auxiliary}": {**own, **beside}}
    runs = {
        way: [_once({**job, "way": way, "seed": seed}, arguments.results) for seed in arguments.seeds]
        for way, job in ways.items()
    }
    result = compared(*runs.values())
    _print(arguments, runs, result)
    finish(_goals(arguments, result), **own, **beside, seeds=arguments.seeds, results=result)


def _goals(arguments: argparse.Namespace, result: dict[str, Any]) -> list[Goal]:
    line = f"{arguments.task}: with {arguments.auxiliary} over alone, points"
    return [over_seeds(line, result["difference"])]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="tweet_ner")
    parser.add_argument("--auxiliary", default="masked_lm", choices=FAMILIES)
    parser.add_argument("--texts", default="sentiment", help=f"a task whose texts are read, or {NEWS}")
    parser.add_argument("--rows", type=int, default=4000, help="of the texts, at most")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--tokens", type=int, default=60_000, help="of the task's own rows")
    parser.add_argument("--start", type=float, default=0.5, help="the auxiliary's share of the rows at first")
    parser.add_argument("--results", type=Path, default=Path(".onetrunk/auxiliary.jsonl"))
    return parser.parse_args()


def _once(job: Run, results: Path) -> Run:
    """The run, as it was made before or now."""
    lines = results.read_text(encoding="utf-8").splitlines() if results.is_file() else []
    for made in map(json.loads, lines):
        if job.items() <= made.items():
            return dict(made)
    made = train_one(job)
    results.parent.mkdir(parents=True, exist_ok=True)
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(made) + "\n")
    told = f"{job['way']}, seed {job['seed']}: {made['score']:.4f}, {made['seconds']:.0f} s of CPU"
    print(told, file=sys.stderr, flush=True)
    return made


def train_one(job: Run) -> Run:
    """One training: the job, the task's score on its test rows, what the auxiliary has come to on its own,
    and seconds of all."""
    start = time.process_time()
    with tempfile.TemporaryDirectory(prefix="auxiliary.") as name:
        root = Path(name)
        project = _project(job, root)
        training, plan = _plan(project, job, root)
        model = fit(project, training, plan, root, job["seed"])
        read = reader(root, cards_below(root, plan.tasks), "test")
        scores = evaluate(model, splits(root, plan.tasks, "test"), 10**9, project.seed, read)
    seconds = time.process_time() - start
    return {**job, "score": scores[job["task"]], "aside": scores.get(ASIDE), "seconds": seconds}


def _project(job: Run, root: Path) -> Project:
    """The project with the task, and with the auxiliary, whose rows are made here."""
    project = params.load()
    tasks = {job["task"]: project.tasks[job["task"]]}
    for folder in ("data", "encoded"):
        (root / folder).mkdir()
        (root / folder / job["task"]).symlink_to(Path(folder).absolute() / job["task"])
    if job["way"] != ALONE:
        tasks[ASIDE] = make(ASIDE, job["auxiliary"], job["texts"], job["rows"], project, root)
    return project.model_copy(update={"tasks": tasks})


def _plan(project: Project, job: Run, root: Path) -> tuple[Training, PlanRecord]:
    """The training, and a plan in which the task gives as many rows as it does alone."""
    steps = max(2, round(job["tokens"] / project.training.tokens_per_step))
    changes = {"tokens": job["tokens"], "evaluate_every": steps // 2, "patience": steps}
    training = project.training.model_copy(update={**changes, "checkpoint_every": steps + 1})

    def made(tasks: list[str], mixture: dict[str, Any]) -> PlanRecord:
        changed = {"training": training, "mixture": Mixture.model_validate(mixture)}
        known = {name: project.tasks[name] for name in tasks}
        return make_plan(project.model_copy(update={**changed, "tasks": known}), root / "encoded", {})

    alone = made([job["task"]], {"method": "uniform"})
    if job["way"] == ALONE:
        return training, alone
    fall = {"start": job["start"], "until": UNTIL}
    whole = made([job["task"], ASIDE], {"method": "uniform", "auxiliary": {ASIDE: fall}})
    rows_per_step = alone.rows_per_step / whole.tasks[job["task"]].share
    return training, whole.model_copy(update={"rows_per_step": rows_per_step})


def compared(alone: list[Run], beside: list[Run]) -> dict[str, Any]:
    """The differences, seed by seed."""
    differences = [one["score"] - other["score"] for one, other in zip(beside, alone, strict=True)]
    return {
        "alone": [round(run["score"], 4) for run in alone],
        "with": [round(run["score"], 4) for run in beside],
        "difference": t_interval(differences),
        "aside": round(statistics.fmean(run["aside"] for run in beside), 4),
        "cpu_seconds": round(sum(run["seconds"] for run in [*alone, *beside])),
    }


def _print(arguments: argparse.Namespace, runs: dict[str, list[Run]], result: dict[str, Any]) -> None:
    table = Table(title=f"{arguments.task}, test rows, {arguments.tokens:,} tokens of its own")
    for name in ("seed", *runs, "difference"):
        table.add_column(name, justify="right")
    for seed, one, other in zip(arguments.seeds, *runs.values(), strict=True):
        scores = one["score"], other["score"], other["score"] - one["score"]
        table.add_row(str(seed), *(f"{score:.4f}" for score in scores[:2]), f"{scores[2]:+.4f}")
    mean, *ends = result["difference"]
    interval = f" [{ends[0]:+.4f}, {ends[1]:+.4f}]" if ends else ""
    means = [statistics.fmean(run["score"] for run in of_way) for of_way in runs.values()]
    table.add_row("mean", *(f"{score:.4f}" for score in means), f"{mean:+.4f}{interval}")
    Console().print(table)


if __name__ == "__main__":
    main()
