"""Are the default settings right for tasks that nobody tuned them for? `python -m benchmarks.defaults`.

The tasks of the project in the current folder (its data/ must be there), trained together with the settings
of a new project (`onetrunk init --from empty`), against the Hugging Face Trainer on each head alone: the same
rows as often, the best of three rates by the validation rows of the first seed. Scores are those of each
head's first metric on the same test rows, times 100: points.

Then the defaults one at a time: what the mean over the heads gains or loses by another value, with the
interval over seeds and encoders; and what other ways to choose the weights that a run keeps would have given,
over all runs. An encoder is a folder, and `FOLDER:3` are its first three blocks. Without rates (`--rates`)
no Trainer is asked.

A run of all is hours of work. Each result is a line of `--results`, no run begins after `--minutes`, and the
same command goes on. `make example NAME=families` makes a project of ten tasks of nine families. The last
line is one JSON object.
"""

from __future__ import annotations

import argparse
import math
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table

from benchmarks import alone, kept
from benchmarks.fitting import cards_below, reader, splits
from benchmarks.goals import Goal, finish
from benchmarks.runs import Found, Job, Runs
from components import params
from components.comparison.gains import mean_over_seeds
from components.data.encoding.encode import encode
from components.data.mixture.draws import Plan, draw, rows_before
from components.data.mixture.plan import plan as make_plan
from components.data.mixture.records import PlanRecord
from components.data.validation.records import VALIDATION, Validation
from components.encoder.place import CONFIG, TOKENIZER
from components.environment import quiet, restart_tuned
from components.files import sha256
from components.keyed import derive_seed
from components.model.multitask import MultiTaskModel
from components.settings.project import Project
from components.training.run.loop import train
from components.training.run.measured import evaluate

NEW_PROJECT = Path(__file__).parent.parent / "flows/project/from/empty/params.yaml"
ENCODERS = ["downloads/minilm", "downloads/minilm:3"]
RATES = [1e-4, 3e-4, 1e-3]  # of the Trainer; of 3e-4 and less the highest was the best of nearly every head
WORK = Path(".onetrunk/defaults")
OTHERS: dict[str, list[Any]] = {  # values beside the default one, by the setting's place in params.yaml
    "training.learning_rate": [1e-4, 6e-4],
    "training.head_learning_rate": [1e-3, 6e-3],
    "training.tokens_per_step": [800, 3200],
    "training.warmup": [0.0, 0.2],
    "training.weight_decay": [0.0, 0.1],
    "training.window": [4, 16],
    "training.validation_rows": [20, 320],
    "training.patience": [1, 10],
    "training.balancing": [{"weights": "autoscale"}],
    "training.start_decay": [10.0],
    "mixture.unit": ["tokens"],
    "model.dropout": [0.1],
}


def main() -> None:
    quiet()
    restart_tuned()
    arguments = _arguments()
    if arguments.rates:
        alone.check_installed()
    runs = Runs(arguments.results, arguments.minutes)
    benches = [Bench(encoder, arguments, runs) for encoder in arguments.encoders]
    pairs = [pair for bench in benches for pair in bench.pairs()]
    changes = _means([change for bench in benches for change in bench.changes()])
    ways = _means([way for bench in benches for way in bench.ways()])
    _print(pairs, changes, ways)
    told = {key: vars(arguments)[key] for key in ("encoders", "seeds", "rates", "tokens", "rows")}
    finish(_goals(pairs, len(runs.missing)), **told, pairs=pairs, changes=changes, kept=ways)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoders", nargs="+", default=ENCODERS, metavar="FOLDER[:BLOCKS]")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument(
        "--rates", type=float, nargs="*", default=RATES, help="that the Trainer is tuned over"
    )
    parser.add_argument("--tokens", type=int, help="of all tasks together; not given: a new project's")
    parser.add_argument("--evaluations", type=int, help="of a run; not given: as often as a new project")
    parser.add_argument("--rows", type=int, default=1000, help="test rows of a task, at most")
    parser.add_argument(
        "--settings", nargs="*", default=list(OTHERS), choices=list(OTHERS), metavar="SETTING"
    )
    parser.add_argument("--minutes", type=float, default=10, help="after which no run begins")
    parser.add_argument("--results", type=Path, default=WORK / "results.jsonl")
    return parser.parse_args()


def defaults(changes: dict[str, Any]) -> Project:
    """The current project's tasks with a new project's settings, but for the changes, by their place."""
    project = params.load().model_dump(mode="json", exclude_unset=True, by_alias=True)
    new = yaml.safe_load(NEW_PROJECT.read_text(encoding="utf-8"))
    project |= {"training": new["training"], "mixture": new["mixture"]}
    project["model"] = {**project["model"], "dropout": new["model"]["dropout"]}
    for place, value in changes.items():
        section, key = place.split(".")
        project[section][key] = value
    return Project.model_validate(project)


@dataclass
class Bench:
    """One encoder, with the tasks as it reads them."""

    encoder: str
    arguments: argparse.Namespace
    runs: Runs
    _plans: dict[str, tuple[Project, PlanRecord]] = field(default_factory=dict)

    @cached_property
    def given(self) -> str:
        """A digest of the tasks' rows and of the encoder, which are not what they were when they change."""
        folders = [
            *(Path("data") / name for name in defaults({}).tasks),
            Path(self.encoder.partition(":")[0]),
        ]
        files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
        return f"{derive_seed(*((file, sha256(file)) for file in files)):016x}"

    @cached_property
    def root(self) -> Path:
        """A folder with encoder/, data/ and encoded/; made once for these rows and this encoder."""
        root = WORK / f"{self.encoder.replace('/', '_')}-{self.given}"
        if not (root / "whole").exists():
            shutil.rmtree(root, ignore_errors=True)
            _bring(self.encoder, root / "encoder")
            (root / "data").symlink_to(Path("data").resolve())
            for name in defaults({}).tasks:
                encode(root / "data" / name, root / "encoder" / TOKENIZER, root / "encoded" / name)
            (root / "whole").touch()
        return root

    def pairs(self) -> Iterator[dict[str, Any]]:
        """Each head's score with each seed, ours and the tuned Trainer's, where both are known."""
        for seed in self.arguments.seeds if self.arguments.rates else ():
            ours = self._ours({}, seed)
            for head in self.cards:
                rate = self._rate(head)
                peer = self._peer(head, rate, seed) if rate else None
                if ours and peer:
                    yield {
                        "encoder": self.encoder, "head": head, "seed": seed, "rate": rate,
                        "ours": ours["test"][head], "trainer": peer["test"],
                    }  # fmt: skip

    def changes(self) -> Iterator[dict[str, Any]]:
        """What another value of a setting changes, in the mean over the heads."""
        for seed in self.arguments.seeds:
            for place in self.arguments.settings:
                for value in OTHERS[place]:
                    ours, other = self._ours({}, seed), self._ours({place: value}, seed)
                    if ours and other:
                        gains = [other["test"][head] - ours["test"][head] for head in self.cards]
                        yield {"setting": place, "value": value, "points": 100 * float(np.mean(gains))}

    def ways(self) -> Iterator[dict[str, Any]]:
        """What other ways to choose the kept weights would have given, in every run of ours."""
        validation = splits(self.root, defaults({}).tasks, "validation")
        known = {head: validation[card["task"]].labelled(head) for head, card in self.cards.items()}
        sizes = {head: int(labelled_N.sum()) for head, labelled_N in known.items()}
        for one in self.runs.made:
            job, found = one["job"], one["found"]
            if (job["encoder"], job["given"]) == (self.encoder, self.given) and found.get("moments"):
                for name, points in kept.ways(found, sizes):
                    yield {"setting": "kept", "value": name, "points": points}

    @cached_property
    def cards(self) -> dict[str, Any]:
        return cards_below(self.root, defaults({}).tasks)

    def _ours(self, changes: dict[str, Any], seed: int) -> Found | None:
        project, plan = self._planned(changes)
        job = self._job(project, plan, seed) | {"changes": changes}
        return self.runs.found(job, lambda: self._together(project, plan, seed))

    def _planned(self, changes: dict[str, Any]) -> tuple[Project, PlanRecord]:
        """The settings, and what they draw; worked out once for each."""
        key = str(changes)
        if key not in self._plans:
            project = defaults(self._budget() | changes)
            exclude = Validation.read(VALIDATION).between_tasks.exclude if VALIDATION.is_file() else {}
            self._plans[key] = project, make_plan(project, self.root / "encoded", exclude)
        return self._plans[key]

    def _budget(self) -> dict[str, Any]:
        """What of the budget is not a new project's."""
        new = defaults({}).training
        tokens = self.arguments.tokens or new.budgeted.options["tokens"]
        budget = {"training.tokens": tokens}
        if self.arguments.evaluations:
            steps = tokens / new.tokens_per_step
            budget["training.evaluate_every"] = math.ceil(steps / self.arguments.evaluations)
        return budget

    def _job(self, project: Project, plan: PlanRecord, seed: int) -> Job:
        shaping = derive_seed(plan.model_dump_json(), project.training, project.model, self.arguments.rows)
        return {"encoder": self.encoder, "given": self.given, "seed": seed, "settings": f"{shaping:016x}"}

    def _together(self, project: Project, plan: PlanRecord, seed: int) -> Found:
        """One training of all tasks."""
        root, names = self.root, plan.tasks
        model = MultiTaskModel.from_encoder(root / "encoder", self.cards, project.model.dropout, seed)
        moments = kept.Moments(model, plan.steps, self.arguments.rows, self._scores)
        with tempfile.TemporaryDirectory(prefix="defaults.") as folder:
            train(
                model, Plan.of(plan), project.training, seed, splits(root, names, "train"),
                splits(root, names, "validation"), reader(root, self.cards, "validation"),
                Path(folder) / "run", moments,
            )  # fmt: skip
        return {"test": self._scores(model, "test", self.arguments.rows), **moments.to_json()}

    def _rate(self, head: str) -> float | None:
        """The Trainer's best rate for the head, by the validation rows; None where one is not known yet."""
        first = self.arguments.seeds[0]
        found = {rate: self._peer(head, rate, first) for rate in self.arguments.rates}
        scores = {rate: one["validation"] for rate, one in found.items() if one}
        return max(scores, key=lambda rate: scores[rate]) if len(scores) == len(found) else None

    def _peer(self, head: str, rate: float, seed: int) -> Found | None:
        project, plan = self._planned({})
        job = self._job(project, plan, seed) | {"head": head, "rate": rate}
        return self.runs.found(job, lambda: self._alone(Plan.of(plan), head, rate, seed))

    def _alone(self, plan: Plan, head: str, rate: float, seed: int) -> Found:
        """The Trainer on the rows that our training draws of the head's task."""
        task = self.cards[head]["task"]
        rows = draw(plan, task, seed, 0, rows_before(plan, task, plan.steps))
        model = alone.peer(self.root / "encoder", head, self.cards[head], seed)
        alone.fine_tune(model, splits(self.root, [task], "train")[task], rows, rate, seed)
        limit = self.arguments.rows
        return {split: self._scores(model, split, limit)[head] for split in ("validation", "test")}

    def _scores(self, model: MultiTaskModel, split: str, limit: int) -> dict[str, float]:
        """The first metric of each of the model's heads, on the same rows of each task every time."""
        names = {card["task"] for card in model.config.tasks.values()}
        rows = reader(self.root, self.cards, split)
        return evaluate(model, splits(self.root, names, split), limit, 0, rows)


def _bring(encoder: str, target: Path) -> None:
    """A copy of the folder, or its first blocks."""
    folder, _, blocks = encoder.partition(":")
    shutil.copytree(folder, target)
    if blocks:
        from transformers import AutoConfig, AutoModel

        config = AutoConfig.from_pretrained(folder, num_hidden_layers=int(blocks))
        (target / CONFIG).unlink()
        AutoModel.from_pretrained(folder, config=config).save_pretrained(target)


def _goals(pairs: list[dict[str, Any]], missing: int) -> list[Goal]:
    """Each head's difference over seeds and encoders, and their mean."""
    heads = sorted({pair["head"] for pair in pairs})
    by_head = {head: [pair for pair in pairs if pair["head"] == head] for head in heads}
    goals = [
        _over(f"{head}: points above the tuned Trainer", [_points(pair) for pair in own], ">= -0.5")
        for head, own in by_head.items()
    ]
    means = [float(np.mean([_points(pair) for pair in own])) for own in by_head.values()]
    goals.append(_over("mean over the heads: points above the tuned Trainer", means, "> 0"))
    return [*goals, Goal("runs that are missing", missing, (missing, missing), "<= 0")]


def _points(pair: dict[str, Any]) -> float:
    return 100 * float(pair["ours"] - pair["trainer"])


def _over(line: str, values: list[float], goal: str) -> Goal:
    """A mean with its 95 % t-interval; no number where nothing was run."""
    if not values:
        return Goal(line, float("nan"), (float("nan"), float("nan")), goal)
    mean = mean_over_seeds(values, 0.95)
    low, high = mean.interval or (mean.gain, mean.gain)
    return Goal(line, mean.gain, (low, high), goal)


def _means(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each value's mean over seeds and encoders, with its interval where there are several."""
    found: dict[tuple[str, str], list[float]] = {}
    for change in changes:
        found.setdefault((change["setting"], str(change["value"])), []).append(change["points"])
    means = {key: mean_over_seeds(points, 0.95) for key, points in found.items()}
    return [
        {
            "setting": place,
            "value": value,
            "points": mean.gain,
            "interval": mean.interval,
            "runs": len(found[place, value]),
        }
        for (place, value), mean in means.items()
    ]


def _print(pairs: list[dict[str, Any]], changes: list[dict[str, Any]], ways: list[dict[str, Any]]) -> None:
    table = Table("encoder", "head", "seed", "rate", "ours", "Trainer", "points", title="test scores")
    for pair in pairs:
        row = (pair["encoder"], pair["head"], str(pair["seed"]), f"{pair['rate']:g}")
        table.add_row(*row, f"{pair['ours']:.3f}", f"{pair['trainer']:.3f}", f"{_points(pair):+.1f}")
    Console().print(table)
    table = Table("setting", "value", "points", "interval", "runs", title="in place of the default")
    for one in [*changes, *ways]:
        ends = f"[{one['interval'][0]:+.2f}, {one['interval'][1]:+.2f}]" if one["interval"] else ""
        table.add_row(one["setting"], one["value"], f"{one['points']:+.2f}", ends, str(one["runs"]))
    Console().print(table)


if __name__ == "__main__":
    main()
