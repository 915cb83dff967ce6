"""How fast this machine trains a project, measured on a handful of its own steps.

What was measured is kept in .onetrunk/speed.json, for the settings and the machine that it was measured with:
no file that DVC tracks has it, for another machine has another speed. torch is imported to measure, and only
then.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.data.mixture.outlook import tokens_of
from components.data.mixture.records import PlanRecord
from components.encoder.place import CONFIG, ENCODER
from components.files import sha256
from components.keyed import derive_seed
from components.records import Record
from components.settings.project import Project
from components.settings.training import Training
from components.training.run.machine import known, processor

if TYPE_CHECKING:
    from components.training.run.loop import Loop

FILE = Path(".onetrunk/speed.json")
STEPS = 5  # that are timed, after one that is not: the first step of a process is slow
SPREAD = 16  # steps from which they are chosen, or a whole window of those that are grouped by length
ENOUGH = 10.0  # seconds of steps; a slow machine times fewer of them
ROWS = 16  # of each task, in the evaluation that is timed


class Speed(Record):
    """.onetrunk/speed.json: what a machine needs for a token and for an evaluation."""

    remedy = "take it out, and it is measured anew"
    key: str  # of the settings and the machine
    steps: int  # that were timed
    seconds_per_token: float  # of training
    seconds_per_evaluation: float  # of all tasks, on `training.validation_rows` rows each

    def seconds(self, plan: PlanRecord, training: Training) -> float:
        """What the run of a plan takes."""
        evaluations = -(plan.steps // -training.evaluate_every)
        return tokens_of(plan) * self.seconds_per_token + evaluations * self.seconds_per_evaluation


def kept(project: Project, root: Path) -> Speed | None:
    """What was measured before with these settings on this machine.

    Raises:
        UserError: the file is torn, or of another version.
    """
    speed = Speed.read(root / FILE) if (root / FILE).is_file() else None
    return speed if speed and speed.key == key(project, root) else None


def key(project: Project, root: Path) -> str:
    """Names what a speed depends on; how long the training is is no part of that."""
    training = project.training.model_dump(mode="json", exclude={"tokens", "budget"})
    training["precision"] = known(project.training.precision, root)
    tasks = {
        name: [
            task.max_length,
            {head: [one.family, one.options] for head, one in task.annotations(name).items()},
        ]
        for name, task in project.tasks.items()
    }
    model = [project.model.dropout, sha256(root / ENCODER / CONFIG)]
    return f"{derive_seed(training, project.mixture.model_dump(), tasks, processor(), model):016x}"


def measured(project: Project, root: Path, plan: PlanRecord) -> Speed:
    """Take a handful of the plan's steps, of many tokens and of few; keep the speed, and nothing else.

    Several processes are not started for it: each is taken to be as fast as one alone.
    """
    from components.training.run.fit import Fit
    from components.training.run.watcher import Watcher

    loop = Fit(project, root, plan, project.seed).loop(Watcher())
    seconds, tokens, steps = _steps(loop)
    loop.ahead.close()
    per_token = seconds / tokens / project.training.processes
    speed = Speed(
        key=key(project, root),  # the precision has been settled for the loop
        steps=steps,
        seconds_per_token=per_token,
        seconds_per_evaluation=_evaluation(loop),
    )
    speed.write(root / FILE)
    return speed


def pace(root: Path, project: Project, draft: PlanRecord) -> float:
    """Seconds for a token of training, evaluations among them; measured where it is not known yet."""
    found, training = kept(project, root) or measured(project, root, draft), project.training
    tokens_between = tokens_of(draft) * training.evaluate_every / draft.steps  # two evaluations
    return found.seconds_per_token + found.seconds_per_evaluation / tokens_between


def _steps(loop: Loop) -> tuple[float, int, int]:
    """Seconds and tokens of some steps, and how many they were."""
    first, *others = _spread(loop)
    _take(loop, first)
    before, begun, taken = loop.state.tokens, time.monotonic(), 0
    while taken < len(others) and time.monotonic() - begun < ENOUGH:
        _take(loop, others[taken])
        taken += 1
    return time.monotonic() - begun, loop.state.tokens - before, taken


def _take(loop: Loop, step: int) -> None:
    loop.state.step = step
    loop.step()


def _spread(loop: Loop) -> list[int]:
    """Some of the first steps: that of the middle by its tokens twice, then others, those of fewest and of
    most last: a slow machine, which takes but the first of them, is timed by a usual one."""
    from components.data.batches.batching import step_rows

    steps = range(min(max(loop.plan.window, SPREAD), loop.plan.steps))
    tokens = [
        sum(int(loop.splits[task].tokens[rows].sum()) for task, rows in batch.items())
        for batch in (step_rows(loop.plan, loop.seed, step, loop.lengths) for step in steps)
    ]
    order = np.argsort(tokens, kind="stable")
    middle = order[len(order) // 2]
    places = np.linspace(0, len(order) - 1, STEPS).round().astype(int)
    outwards = places[np.argsort(np.abs(places - len(order) // 2), kind="stable")]
    return [int(middle), int(middle), *order[outwards[1:]].tolist()]


def _evaluation(loop: Loop) -> float:
    """Seconds of a scheduled evaluation, from one on a few rows of each task."""
    from components.training.run.measured import evaluate

    seconds = 0.0
    for task, split in loop.validation.items():
        asked = min(loop.training.validation_rows, len(split))
        begun = time.monotonic()
        evaluate(loop.model, {task: split}, min(ROWS, asked), loop.seed, loop.read_rows)
        seconds += (time.monotonic() - begun) * max(1.0, asked / ROWS)
    return seconds
