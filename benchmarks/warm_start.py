"""From the champion or from scratch? `python -m benchmarks.warm_start`, where data/ and encoded/ are made.

Tasks whose answer is a label: a champion learns from their shorter texts, then the longest fifth comes, which
is what is new. The coming training reads all rows, from scratch with the whole budget, or on from the
champion by a part of it and with replay. Right answers to the test rows of the old kind and of the new one
are counted, in points over the champion's. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Iterator, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.fitting import cards_below, reader, splits
from benchmarks.goals import Goal, finish
from components import params
from components.data.contract.beginning import Beginning
from components.data.contract.rows import labelled_rows
from components.data.mixture.draws import Plan
from components.data.mixture.plan import plan as make_plan
from components.data.mixture.records import PlanRecord
from components.encoder.place import ENCODER
from components.environment import quiet, restart_tuned
from components.model.inference import predict
from components.model.multitask import MultiTaskModel
from components.settings.project import Project
from components.tracking import Watcher
from components.training.run.loop import train

NEW = 0.8  # the quantile of the training texts' lengths above which a text is new
Points = Sequence[dict[str, float]]  # of each seed, by the kind of the test rows
HELD = (0.5, 0.5)  # the defaults of of_training and replay


class Way(NamedTuple):
    """How the coming training begins; from scratch, where nothing is given."""

    of_training: float = 1.0
    replay: float | None = None

    def __str__(self) -> str:
        scratch = self.replay is None
        return "from scratch" if scratch else f"of_training {self.of_training:g}, replay {self.replay:g}"


def main() -> None:
    quiet()
    restart_tuned()
    given = _arguments()
    ways = [Way(), *itertools.starmap(Way, given.ways)]
    benches = [Bench(given, seed) for seed in given.seeds]
    gains = {way: [bench.gain(way) for bench in benches] for way in ways}
    _print(gains)
    finish(_goals(gains), tokens=given.tokens, tasks=given.tasks, seeds=given.seeds,
           points={str(way): own for way, own in gains.items()})  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=["sentiment", "news_topic"])
    parser.add_argument("--tokens", type=int, default=60_000, help="of a training from scratch")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rows", type=int, default=1000, help="test rows of a task and kind, at most")
    parser.add_argument("--ways", type=_way, nargs="+", metavar="OF_TRAINING,REPLAY",
                        default=[HELD, (0.25, 0.5), (1.0, 0.5), (0.5, 0.25), (0.5, 0.75)])  # fmt: skip
    return parser.parse_args()


def _way(text: str) -> tuple[float, float]:
    of_training, replay = map(float, text.split(","))
    return of_training, replay


class Bench:
    """One seed: its champion, and what is learnt after it."""

    def __init__(self, given: argparse.Namespace, seed: int) -> None:
        self.given, self.seed, self.root = given, seed, Path()
        self.project = _project(given)
        self.train = splits(self.root, given.tasks, "train")
        self.longest = {name: float(np.quantile(_characters(name, "train"), NEW)) for name in given.tasks}
        self.new = {name: self._rows(name, "train", "new") for name in given.tasks}
        without = {name: [split.ids()[row] for row in self.new[name]] for name, split in self.train.items()}
        self.champion = self._learnt(make_plan(self.project, self.root / "encoded", without), None)
        self.before = self._right(self.champion)

    def gain(self, way: Way) -> dict[str, float]:
        """Points over the champion, of each kind."""
        warm = way.replay is not None
        beginning = Beginning(encoder="", of_training=way.of_training, replay=way.replay or 1.0)
        whole = make_plan(
            self.project, self.root / "encoded", {}, None, beginning, self.new if warm else None
        )
        found = self._right(self._learnt(whole, self.champion if warm else None))
        gains = {kind: 100 * (right - self.before[kind]) for kind, right in found.items()}
        print(f"seed {self.seed}, {way}: {gains}", file=sys.stderr, flush=True)
        return gains

    def _learnt(self, plan: PlanRecord, before: MultiTaskModel | None) -> MultiTaskModel:
        names = self.given.tasks
        cards = cards_below(self.root, names)
        model = (
            deepcopy(before)
            if before
            else MultiTaskModel.from_encoder(ENCODER, cards, self.project.model.dropout, self.seed)
        )
        with tempfile.TemporaryDirectory(prefix="warm_start.") as folder:
            train(
                model, Plan.of(plan), self.project.training, self.seed, self.train,
                splits(self.root, names, "validation"), reader(self.root, cards, "validation"),
                Path(folder) / "run", Watcher(),
            )  # fmt: skip
        return model

    def _right(self, model: MultiTaskModel) -> dict[str, float]:
        """The share of right answers to test rows of each kind, the mean over the tasks."""
        found: dict[str, list[float]] = {"old": [], "new": []}
        for name, split in splits(self.root, self.given.tasks, "test").items():
            gold = labelled_rows(Path("data") / name, "test", name)
            for kind, of_kind in found.items():
                rows = self._rows(name, "test", kind)[: self.given.rows]
                said = predict(model, name, split, rows)[name]
                right = [one["label"] == gold[row]["label"] for row, one in zip(rows, said, strict=True)]
                of_kind.append(float(np.mean(right)))
        return {kind: float(np.mean(of_kind)) for kind, of_kind in found.items()}

    def _rows(self, task: str, split: str, kind: str) -> list[int]:
        longer = _characters(task, split) > self.longest[task]
        rows: list[int] = np.flatnonzero(longer if kind == "new" else ~longer).tolist()
        return rows


@cache
def _characters(task: str, split: str) -> np.ndarray:
    """characters_N: of every text; its encoded row is cut, and tells no longer from long."""
    return np.array([len(row["text"]) for row in labelled_rows(Path("data") / task, split, task)])


def _project(given: argparse.Namespace) -> Project:
    """The current project's, with these tasks alone and this budget."""
    known = params.load().model_dump(mode="json", exclude_unset=True, by_alias=True)
    known["tasks"] = {name: known["tasks"][name] for name in given.tasks}
    training = {key: value for key, value in known["training"].items() if key != "budget"}
    kept = {key: known[key] for key in known if key not in ("training", "mixture")}
    return Project.model_validate(
        {**kept, "training": training | {"tokens": given.tokens}, "mixture": {"method": "uniform"}}
    )


def _goals(gains: dict[Way, list[dict[str, float]]]) -> list[Goal]:
    """What each way has more than from scratch, by the kind of the test rows; nothing is promised."""
    return [
        _over(f"{kind} test rows, {way}: points above from scratch", _more(own, gains[Way()], kind))
        for way, own in gains.items()
        if way.replay is not None
        for kind in ("old", "new")
    ]


def _more(own: Points, other: Points, kind: str) -> list[float]:
    return [a[kind] - b[kind] for a, b in zip(own, other, strict=True)]


def _over(line: str, values: Sequence[float]) -> Goal:
    return Goal(line, float(np.mean(values)), (min(values), max(values)))


def _lines(gains: dict[Way, list[dict[str, float]]]) -> Iterator[list[Any]]:
    for way, own in gains.items():
        yield [str(way), *(f"{np.mean([one[kind] for one in own]):+.1f}" for kind in ("old", "new"))]


def _print(gains: dict[Way, list[dict[str, float]]]) -> None:
    table = Table("", "old kind", "new kind", title="points over the champion, mean over seeds")
    for line in _lines(gains):
        table.add_row(*line)
    Console().print(table)


if __name__ == "__main__":
    main()
