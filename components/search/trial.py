"""One trial: the project with other settings, trained from the encoded data and scored on validation rows."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TypedDict

import optuna
import torch

from components.data.mixture import plan
from components.errors import UserError
from components.params.searches import Values, with_values
from components.settings.project import Project
from components.tracking.terminal import Terminal
from components.training.run import speed
from components.training.run.fit import Fit
from components.training.run.state import Entry, State
from components.training.run.watcher import Seen, Watcher


class Scores(TypedDict):
    """What a trial has reached, as a study keeps it in JSON."""

    score: float  # mean of the released heads' metrics
    validation: dict[str, float]  # each head's


class Pruning(Terminal):
    """Tells the study each score as it comes, and ends the trial where the study says so."""

    def __init__(self, trial: optuna.Trial) -> None:
        super().__init__()
        self.live.transient = True  # a trial that has ended is a line in the search's own list
        self.trial = trial
        # A trial that goes on from a checkpoint repeats evaluations that the study knows already.
        self.known = frozenset(trial.study.trials[trial.number].intermediate_values)

    def step(self, seen: Seen) -> None:
        if self.console.is_terminal:  # in a log, a line per trial is enough
            super().step(seen)

    def evaluated(self, entry: Entry) -> None:
        step = entry["step"]
        if step not in self.known:
            self.trial.report(entry["score"], step)
        if step < self.steps and self.trial.should_prune():
            raise optuna.TrialPruned

    def stop(self, state: State) -> None:
        """The search's own list says how the trial ended."""


class FailedTrialError(Exception):
    """These values cannot be trained; others may."""


def train(
    project: Project, values: Values, root: Path, exclude: dict[str, list[str]], watcher: Watcher
) -> Scores:
    """The scores of the evaluation that a training with these values would keep.

    No model and no report is left behind. `exclude` names, per task, the training rows that are held out
    in another task. A training that is killed leaves its checkpoints, and the same one goes on from there.

    Raises:
        FailedTrialError: the values do not go together, or a loss is not finite, or memory is out.
        optuna.TrialPruned: as the watcher has decided.
    """
    try:
        changed = with_values(project, values)
        whole = plan.plan(changed, root / "encoded", exclude, partial(speed.pace, root))
    except UserError as error:
        raise FailedTrialError(str(error)) from error
    fit = Fit(changed, root, whole, changed.seed)
    try:
        _, history = fit.train(watcher)
    except optuna.TrialPruned:
        shutil.rmtree(fit.checkpoints, ignore_errors=True)
        raise
    except (FloatingPointError, torch.OutOfMemoryError) as error:
        shutil.rmtree(fit.checkpoints, ignore_errors=True)
        raise FailedTrialError(str(error).partition("\n")[0]) from error
    shutil.rmtree(fit.checkpoints, ignore_errors=True)
    kept = max(history, key=lambda entry: entry["score"])
    return Scores(score=kept["score"], validation=kept["validation"])
