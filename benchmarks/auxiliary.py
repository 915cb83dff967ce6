"""Does guessing hidden words beside a small task help it? `python -m benchmarks.auxiliary`.

Trains one task of the project (data/, encoded/ and the encoder must be there), the smallest one of tweets by
default, once alone and once with a masked language model beside it, for every seed, on one thread. The
unlabelled texts are the training texts of another task. Both ways take as many steps and as many rows of the
task, the same ones; the hidden words come on top, with a share of the rows that falls from `--start` to none
at 80 % of the run. Seeds vary the order of the rows and the heads' beginnings. Results are kept in
`--results` as they come: the same command goes on.

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

import pyarrow.parquet as pq
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.methods import t_interval
from components import settings
from components.data.encoded import EncodedSplit, cards_of
from components.data.encoding import encode
from components.data.ingest import ingest
from components.data.mixing.declared import Mixture
from components.data.mixture import Plan
from components.data.plan import plan as make_plan
from components.data.rows import read_rows
from components.environment import quiet, restart_tuned
from components.model.multitask import MultiTaskModel
from components.settings import Project, Task
from components.training.declared import Training
from components.training.loop import evaluate, train
from components.watching import Watcher

ASIDE, UNTIL = "unlabelled", 0.8
WAYS = ("alone", "with masked_lm")
Run = dict[str, Any]


def main() -> None:
    quiet()
    restart_tuned()
    arguments = _arguments()
    torch.set_num_threads(1)
    job = {key: vars(arguments)[key] for key in ("task", "texts", "tokens", "start", "rows")}
    runs = {
        way: [_once({**job, "way": way, "seed": seed}, arguments.results) for seed in arguments.seeds]
        for way in WAYS
    }
    result = compared(*runs.values())
    _print(arguments, runs, result)
    print(json.dumps({**job, "seeds": arguments.seeds, **result}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="tweet_ner")
    parser.add_argument("--texts", default="sentiment", help="the task whose texts are the unlabelled ones")
    parser.add_argument("--rows", type=int, default=4000, help="of the unlabelled texts, at most")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--tokens", type=int, default=60_000, help="of the task's own rows")
    parser.add_argument("--start", type=float, default=0.5, help="share of the hidden words' rows at first")
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
    """One training: the job, the task's score on its test rows, what the masked language model has come to,
    and seconds of all."""
    start = time.process_time()
    with tempfile.TemporaryDirectory(prefix="auxiliary.") as name:
        root = Path(name)
        names = [job["task"], *([ASIDE] if job["way"] != WAYS[0] else [])]
        project = _project(job, root)
        training, whole = _plan(project, job, root, names)
        splits = {
            split: {task: EncodedSplit(root / "encoded" / task / f"{split}.arrow") for task in names}
            for split in ("train", "validation", "test")
        }
        cards = {head: card for task in names for head, card in cards_of(root / "encoded" / task).items()}
        encoder = Path(project.model.encoder)
        model = MultiTaskModel.from_encoder(encoder, cards, project.model.dropout, job["seed"])
        read = {
            split: {
                head: read_rows(root / "data" / card["task"], split, head) for head, card in cards.items()
            }
            for split in ("validation", "test")
        }
        train(
            model, Plan.from_json(whole), training, job["seed"], splits["train"], splits["validation"],
            lambda head, numbers: [read["validation"][head][number] for number in numbers],
            root / "checkpoints", Watcher(),
        )  # fmt: skip
        scores = evaluate(
            model, splits["test"], 10**9, project.seed,
            lambda head, numbers: [read["test"][head][number] for number in numbers],
        )  # fmt: skip
    seconds = time.process_time() - start
    return {**job, "score": scores[job["task"]], "aside": scores.get(ASIDE), "seconds": seconds}


def _project(job: Run, root: Path) -> Project:
    """The project with the task, and the task of unlabelled texts, whose rows are made here."""
    project = settings.load()
    own = project.tasks[job["task"]]
    for folder in ("data", "encoded"):
        (root / folder).mkdir()
        (root / folder / job["task"]).symlink_to(Path(folder).absolute() / job["task"])
    texts = pq.read_table(Path("data") / job["texts"] / "train.parquet", columns=["text"])["text"]
    source = root / "texts.jsonl"
    rows = (json.dumps({"text": text}) + "\n" for text in texts.to_pylist()[: job["rows"]])
    source.write_text("".join(rows), encoding="utf-8")
    declared = {
        "family": "masked_lm",
        "source": {"path": str(source), "format": "jsonl"},
        "columns": {"text": "text"},
        "splits": {"validation": 0.02, "test": 0.1},
        "cleaning": {},
        "max_length": 64,
    }
    aside = Task.model_validate(declared)
    if job["way"] != WAYS[0]:
        # Another seed: by the project's own, all of these texts are training texts.
        ingest(ASIDE, aside, project.seed + 1, root / "data" / ASIDE)
        tokenizer = Path(project.model.encoder) / "tokenizer.json"
        encode(root / "data" / ASIDE, tokenizer, root / "encoded" / ASIDE)
    return project.model_copy(update={"tasks": {job["task"]: own, ASIDE: aside}})


def _plan(project: Project, job: Run, root: Path, names: list[str]) -> tuple[Training, dict[str, Any]]:
    """The training, and a plan in which the task gives as many rows as it does alone."""
    steps = max(2, round(job["tokens"] / project.training.tokens_per_step))
    changes = {"tokens": job["tokens"], "evaluate_every": steps // 2, "patience": steps}
    training = project.training.model_copy(update={**changes, "checkpoint_every": steps + 1})

    def made(tasks: list[str], mixture: dict[str, Any]) -> dict[str, Any]:
        changed = {"training": training, "mixture": Mixture.model_validate(mixture)}
        known = {name: project.tasks[name] for name in tasks}
        return make_plan(project.model_copy(update={**changed, "tasks": known}), root / "encoded", {})

    alone = made([job["task"]], {"method": "uniform"})
    if len(names) == 1:
        return training, alone
    fall = {"start": job["start"], "until": UNTIL}
    whole = made(names, {"method": "uniform", "auxiliary": {ASIDE: fall}})
    whole["rows_per_step"] = alone["rows_per_step"] / whole["tasks"][job["task"]]["share"]
    return training, whole


def compared(alone: list[Run], beside: list[Run]) -> dict[str, Any]:
    """The differences, seed by seed."""
    differences = [one["score"] - other["score"] for one, other in zip(beside, alone, strict=True)]
    return {
        "alone": [round(run["score"], 4) for run in alone],
        "with": [round(run["score"], 4) for run in beside],
        "difference": t_interval(differences),
        "words_guessed": round(statistics.fmean(run["aside"] for run in beside), 4),
        "cpu_seconds": round(sum(run["seconds"] for run in [*alone, *beside])),
    }


def _print(arguments: argparse.Namespace, runs: dict[str, list[Run]], result: dict[str, Any]) -> None:
    table = Table(title=f"{arguments.task}, test rows, {arguments.tokens:,} tokens of its own")
    for name in ("seed", *WAYS, "difference"):
        table.add_column(name, justify="right")
    for seed, one, other in zip(arguments.seeds, *runs.values(), strict=True):
        scores = one["score"], other["score"], other["score"] - one["score"]
        table.add_row(str(seed), *(f"{score:.4f}" for score in scores[:2]), f"{scores[2]:+.4f}")
    mean, *ends = result["difference"]
    interval = f" [{ends[0]:+.4f}, {ends[1]:+.4f}]" if ends else ""
    table.add_row("mean", *(f"{statistics.fmean(r['score'] for r in runs[way]):.4f}" for way in WAYS),
                  f"{mean:+.4f}{interval}")  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
