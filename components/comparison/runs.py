"""The runs that are compared: every head alone, and all heads together, once for each seed.

A seed decides the order of the rows, dropout and the first weights of the heads. A run that has ended is
kept by the name of all it depends on, outside the stage's outs (docs/decisions/0004): an interrupted
stage goes on with the next run, and a further seed trains that seed alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, TypeVar

from components import families, program
from components.data.contract.cards import HeadCard
from components.data.contract.rows import labelled_rows
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture.records import PLAN, PlanRecord
from components.families.base import Prediction
from components.files import read_json, write_json
from components.model.inference import predict
from components.model.multitask import MultiTaskModel
from components.settings.project import Project
from components.settings.training import Balancing, Method
from components.tracking.terminal import Terminal
from components.training.affinity import Affinity
from components.training.run import checkpoint
from components.training.run.fit import Fit
from components.training.run.watcher import Watcher

SAMPLES, APART = 25, 10  # affinities of a joint run are measured so often, at most every tenth step
AREA = ".onetrunk/sharing"


class Affinities(TypedDict):
    """What a joint run's heads have in common: matrices in the order of `heads`."""

    heads: list[str]
    cosine: list[list[float | None]]
    look_ahead: list[list[float | None]]


class Joint(TypedDict):
    """What a joint run comes to: the test metrics of each head, and their affinities. JSON."""

    metrics: dict[str, dict[str, float]]
    affinity: Affinities


Alone = dict[str, float]  # what a run of one head comes to: its test metrics
Result = TypeVar("Result", Alone, Joint)


def alone(project: Project, root: Path, task: str) -> None:
    """Train each head of the task alone -> reports/sharing/alone/TASK.json: head, seed, test metrics.

    One head has nothing to be balanced with, so its loss counts as it is.
    """
    single = project.training.model_copy(
        update={"balancing": Balancing(weights=Method(method="equal"))}  # 1 / K, and K is 1
    )
    project = project.model_copy(update={"training": single})
    plan = PlanRecord.read(root / f"reports/sharing/budgets/{task}.json")
    results: dict[str, dict[str, Alone]] = {}
    for head in cards_of(root / "encoded" / task):
        for seed in project.sharing.seeds:
            fit = Fit(project, root, plan, seed, (head,), AREA)
            results.setdefault(head, {})[str(seed)] = _once(fit, f"{head} alone, seed {seed}", _alone)
    write_json(root / f"reports/sharing/alone/{task}.json", results)


def joint(project: Project, root: Path) -> None:
    """Train the whole plan -> reports/sharing/joint.json: seed, test metrics of each head, affinities."""
    results = {}
    for seed in project.sharing.seeds:
        plan = PlanRecord.read(root / PLAN).model_copy(update={"cooldown": None})
        fit = Fit(project, root, plan, seed, area=AREA)
        results[str(seed)] = _once(fit, f"all tasks together, seed {seed}", _joint)
    write_json(root / "reports/sharing/joint.json", results)


def _once(fit: Fit, title: str, train: Callable[[Fit, Watcher], Result]) -> Result:
    """The run's result: as kept, or trained, measured and kept now."""
    code = program.digests(program.closure(__name__, families=fit.families, without=program.WATCH))
    kept = fit.root / AREA / f"{checkpoint.key([fit.key, code], [])}.json"
    if not kept.is_file():
        watcher = Terminal()
        watcher.say(title)
        write_json(kept, train(fit, watcher))
        shutil.rmtree(fit.checkpoints, ignore_errors=True)
    result: Result = read_json(kept)
    return result


def _alone(fit: Fit, watcher: Watcher) -> Alone:
    model, _ = fit.train(watcher)
    return measure(model, fit.root)[fit.heads[0]]


def _joint(fit: Fit, watcher: Watcher) -> Joint:
    affinity = Affinity(every=max(APART, fit.plan.steps // SAMPLES))
    model, _ = fit.train(watcher, affinity)
    heads = list(fit.cards)
    return {
        "metrics": measure(model, fit.root),
        "affinity": {
            "heads": heads,
            "cosine": affinity.cosines(heads),
            "look_ahead": affinity.look_aheads(heads),
        },
    }


def measure(model: MultiTaskModel, root: Path) -> dict[str, dict[str, float]]:
    """Every metric of every head on its test rows."""
    cards = model.config.tasks
    answers: dict[str, list[Prediction]] = {}
    for task in {card["task"]: None for card in cards.values()}:
        split = EncodedSplit(root / "encoded" / task / "test.arrow")
        answers |= predict(model, task, split, range(len(split)))
    return {head: _metrics(root / "data", head, card, answers[head]) for head, card in cards.items()}


def _metrics(data: Path, head: str, card: HeadCard, answers: list[Prediction]) -> dict[str, float]:
    family, facts = families.get(card["family"]), card["facts"]
    rows = labelled_rows(data / card["task"], "test", head)
    metrics = family.metrics_for(facts["options"])
    return {metric.name: metric.measure(rows, answers, facts) for metric in metrics}
