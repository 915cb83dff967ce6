"""One trial: the project with other settings, trained from the encoded data and scored on validation rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch

from components.data import plan
from components.errors import UserError
from components.settings import Project
from components.training import run
from components.training.checkpoint import State
from components.training.progress import Progress


class Pruning(Progress):
    """Tells the study each score as it comes, and ends the trial where the study says so."""

    def __init__(self, trial: optuna.Trial) -> None:
        super().__init__()
        self.trial = trial
        # A trial that goes on from a checkpoint repeats evaluations that the study knows already.
        self.known = frozenset(trial.study.trials[trial.number].intermediate_values)

    def step(self, step: int, losses: Mapping[str, float]) -> None:
        if self.console.is_terminal:  # in a log, a line per trial is enough
            super().step(step, losses)

    def evaluated(self, step: int, scores: Mapping[str, float]) -> None:
        if step not in self.known:
            self.trial.report(float(np.mean(list(scores.values()))), step)
        if step < self.steps and self.trial.should_prune():
            self.bar.stop()
            raise optuna.TrialPruned

    def stop(self, state: State) -> None:
        self.bar.stop()


def train(project: Project, root: Path, exclude: dict[str, list[str]], progress: Progress) -> dict[str, Any]:
    """The scheduled evaluation that a training of `project` would keep: its mean score, and each head's.

    No model and no report is left behind.
    `exclude` names, per task, the training rows that are held out in another task. A training that is
    killed leaves its checkpoints, and the same one goes on from there.

    Raises:
        UserError: the settings give no plan, e.g. one that draws no row of a task; or memory is out.
        FloatingPointError: a loss is not finite.
        optuna.TrialPruned: as the watching `progress` has decided.
    """
    whole = json.loads(json.dumps(plan.plan(project, root / "encoded", exclude)))  # as if read from its file
    checkpoints = run.checkpoints_of(project, root, whole)
    try:
        _, history = run.fit(project, root, whole, checkpoints, progress)
    except (optuna.TrialPruned, FloatingPointError):
        shutil.rmtree(checkpoints, ignore_errors=True)
        raise
    except torch.OutOfMemoryError:
        raise UserError("out of memory on the GPU") from None
    shutil.rmtree(checkpoints, ignore_errors=True)
    kept = max(history, key=lambda entry: entry["score"])
    return {name: kept[name] for name in ("score", "validation")}
