"""What each balancing method gains over static weights, and costs: `python -m benchmarks.methods`.

Trains the project's tasks (data/, encoded/ and reports/validation.json must be there) once per method and
seed, on one thread, in a process each, at `--tokens` tokens; the seeds vary order, dropout and the heads'
beginnings. The model of the best scheduled evaluation on validation rows is measured on the same `--rows`
test rows of each task. Combinations stand on equal weights, as in their papers.

`tuned_static` is the best of the mixture's shares and CANDIDATES random weightings around them, by
validation score, with a seed that is not among the others: so it costs that many runs more.

Delta m (Maninis 2019) is the mean over the heads of (score - static's with the same seed) / (static's mean
over the seeds), with a t-interval over the seeds; a head on which static scores less than LEAST is left
out, since a gain over almost nothing would outweigh all others. Results are kept in `--results` as they
come: the same command goes on, other arguments begin anew beside them. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import t

from benchmarks.goals import Goal, finish, over_seeds
from components import params
from components.data.contract.rows import read_rows
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture.draws import Plan
from components.data.mixture.plan import easiest
from components.data.mixture.plan import plan as make_plan
from components.data.mixture.records import PlanRecord
from components.data.validation.records import VALIDATION, Validation
from components.encoder.place import ENCODER
from components.environment import quiet, restart_tuned
from components.model.multitask import MultiTaskModel
from components.settings.project import Project
from components.settings.training import Balancing, Training
from components.tracking import Seen, Watcher
from components.training import balancing
from components.training.run.loop import train
from components.training.run.measured import evaluate

METHODS: dict[str, dict[str, Any]] = {
    "static": {},
    "tuned_static": {},
    **{name: {"weights": name} for name in balancing.weighting_names() if name != "static"},
    **{n: {"weights": "equal", "combination": n} for n in balancing.combination_names() if n != "sum"},
}
CANDIDATES = 6
SPREAD = 0.7  # standard deviation of the logarithm of a candidate's weights over the shares
LEAST = 0.1
EVALUATIONS = 2  # in a run: what they cost is not what is compared
Run = dict[str, Any]


def main() -> None:
    quiet()
    arguments = _arguments()
    if arguments.one:
        restart_tuned()
        print(json.dumps(train_one(json.loads(arguments.one))))
        return
    bench = Bench(arguments)
    bench.run([bench.job("static", seed) for seed in arguments.seeds])
    others = [name for name in arguments.methods if name not in {"static", "tuned_static"}]
    bench.run([bench.job(name, seed) for name in others for seed in arguments.seeds])
    if "tuned_static" in arguments.methods:
        bench.tune()
        others.append("tuned_static")
    static = bench.of("static")
    result = {name: compared(bench.of(name), static) for name in ["static", *others]}
    _print(result)
    told = {key: vars(arguments)[key] for key in ("tokens", "rows", "seeds")}
    finish(_goals(result), **told, methods=result)


def _goals(result: dict[str, Any]) -> list[Goal]:
    line = "{}: relative gain over static weights"
    return [over_seeds(line.format(name), method["delta_m"]) for name, method in result.items()]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--tokens", type=int, default=60_000)
    parser.add_argument("--rows", type=int, default=400, help="test rows of a task, at most")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--results", type=Path, default=Path(".onetrunk/methods.jsonl"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


class Bench:
    """The runs that were made, in a file, and those that are to be made."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        file: Path = arguments.results
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        self.made: list[Run] = [json.loads(line) for line in lines]

    def job(self, name: str, seed: int, candidate: int | None = None) -> Run:
        """A run by all that it depends on."""
        budget = {key: vars(self.arguments)[key] for key in ("tokens", "rows")}
        return {"name": name, "balancing": METHODS[name], "candidate": candidate, "seed": seed, **budget}

    def of(self, name: str, seeds: Iterable[int] | None = None) -> list[Run]:
        """A method's runs, by seed."""
        wanted = [{**self.job(name, seed), "candidate": None} for seed in seeds or self.arguments.seeds]
        found = [self._find(job) for job in wanted]
        return [run for run in found if run is not None]

    def _find(self, job: Run) -> Run | None:
        same = [run for run in self.made if all(run[key] == job[key] for key in job if key != "candidate")]
        return next((r for r in same if job["candidate"] in {None, r["candidate"]}), None)

    def run(self, jobs: list[Run]) -> None:
        """Make those of the runs that were not made before."""
        missing = [job for job in jobs if self._find(job) is None]
        with ThreadPoolExecutor(self.arguments.jobs) as pool:
            for made in pool.map(_in_a_process, missing):
                self.made.append(made)
                self.arguments.results.parent.mkdir(parents=True, exist_ok=True)
                with self.arguments.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(made) + "\n")
                told = f"{made['name']} seed {made['seed']}: {made['seconds']:.0f} s of CPU"
                print(told, file=sys.stderr, flush=True)

    def tune(self) -> None:
        """Choose the weights on a seed of their own, then run them on the others'."""
        seed = max(self.arguments.seeds) + 1000
        trials = [self.job("tuned_static", seed, candidate) for candidate in range(CANDIDATES + 1)]
        self.run(trials)
        runs = [(self._find(trial) or {})["validation"] for trial in trials]
        best = max(range(len(runs)), key=lambda candidate: runs[candidate])
        self.run([self.job("tuned_static", seed, best) for seed in self.arguments.seeds])


def _in_a_process(job: Run) -> Run:
    command = [sys.executable, "-m", "benchmarks.methods", "--one", json.dumps(job)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{job}: {done.stderr[-2000:]}")
    made: Run = json.loads(done.stdout.splitlines()[-1])
    return made


class Clock(Watcher):
    """The process's own time at every step."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def step(self, seen: Seen) -> None:
        self.times.append(time.process_time())

    def median(self) -> float:
        """Seconds of a step, the few with an evaluation after them left out by the median."""
        return statistics.median(later - earlier for earlier, later in itertools.pairwise(self.times))


def train_one(job: Run) -> Run:
    """One training: the job, its scores by head on the test rows, seconds of a step and of all."""
    project = params.load()
    cards = {head: card for name in project.tasks for head, card in cards_of(Path("encoded") / name).items()}
    training, validation, test = (_encoded(project, split) for split in ("train", "validation", "test"))
    balancing = job["balancing"]
    if job["candidate"]:
        tasks = _plan(project, job, {})[1].tasks
        shares = {head: tasks[card["task"]].share for head, card in cards.items()}
        balancing = {"weights": {"method": "static", "weights": drawn(shares, job["candidate"])}}
    changed, whole = _plan(project, job, balancing)
    plan = Plan.of(whole, easiest(whole, training))
    model = MultiTaskModel.from_encoder(ENCODER, cards, project.model.dropout, job["seed"])
    clock, start = Clock(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        rows = _reader(cards, "validation")
        history = train(
            model, plan, changed, job["seed"], training, validation, rows, Path(folder), clock
        )  # fmt: skip
    seconds = time.process_time() - start
    scores = evaluate(model, test, job["rows"], project.seed, _reader(cards, "test"))
    kept = max(entry["score"] for entry in history)
    return {**job, "test": scores, "validation": kept, "step": clock.median(), "seconds": seconds}


def _encoded(project: Project, split: str) -> dict[str, EncodedSplit]:
    return {name: EncodedSplit(Path("encoded") / name / f"{split}.arrow") for name in project.tasks}


def _reader(cards: dict[str, Any], split: str) -> Any:
    rows = {head: read_rows(Path("data") / card["task"], split, head) for head, card in cards.items()}
    return lambda head, numbers: [rows[head][number] for number in numbers]


def _plan(project: Project, job: Run, balancing: dict[str, Any]) -> tuple[Training, PlanRecord]:
    """The project's training with the job's budget and balancing, and the plan for it."""
    steps = max(1, round(job["tokens"] / project.training.tokens_per_step))
    changes = {
        "tokens": job["tokens"],
        "balancing": Balancing.model_validate(balancing),
        "evaluate_every": max(1, steps // EVALUATIONS),
        "patience": steps,
        "checkpoint_every": steps + 1,
    }
    training = project.training.model_copy(update=changes)
    exclude = Validation.read(VALIDATION).between_tasks.exclude
    return training, make_plan(project.model_copy(update={"training": training}), Path("encoded"), exclude)


def drawn(shares: dict[str, float], candidate: int) -> dict[str, float]:
    """Weights around the shares, summing to 1, by the candidate's number."""
    normal = np.random.default_rng(candidate).normal(0, SPREAD, len(shares))
    weights = {head: share * math.exp(z) for (head, share), z in zip(shares.items(), normal, strict=True)}
    return {head: weight / sum(weights.values()) for head, weight in weights.items()}


def compared(runs: list[Run], static: list[Run]) -> dict[str, Any]:
    """A method against static weights, seed by seed."""
    means = {head: statistics.fmean(run["test"][head] for run in static) for head in static[0]["test"]}
    scale = {head: mean for head, mean in means.items() if mean >= LEAST}
    pairs = list(zip(runs, static, strict=True))
    delta = [
        statistics.fmean((run["test"][head] - base["test"][head]) / scale[head] for head in scale)
        for run, base in pairs
    ]
    points = [statistics.fmean(run["test"][h] - base["test"][h] for h in means) for run, base in pairs]
    return {
        "delta_m": t_interval(delta),
        "points": t_interval(points),
        "step_ratio": round(statistics.median(run["step"] / base["step"] for run, base in pairs), 3),
        "scores": {head: round(statistics.fmean(run["test"][head] for run in runs), 4) for head in means},
    }


def t_interval(values: list[float]) -> list[float]:
    """Mean, and the ends of its 95 % t-interval where there are two values or more."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return [round(mean, 4)]
    half = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return [round(mean, 4), round(mean - half, 4), round(mean + half, 4)]


def _print(result: dict[str, Any]) -> None:
    table = Table(title="against static weights (the mixture's shares)")
    for name in ("method", "delta m", "from", "to", "points", "step time"):
        table.add_column(name, justify="left" if name == "method" else "right")
    for name, method in result.items():
        mean, *ends = method["delta_m"]
        interval = [f"{end:+.1%}" for end in ends] or ["", ""]
        row = (f"{mean:+.1%}", *interval, f"{method['points'][0]:+.3f}", f"{method['step_ratio']:.2f}")
        table.add_row(name, *row)
    Console().print(table)


if __name__ == "__main__":
    main()
