"""Weights & Biases. It is told where and as whom by its own environment variables (WANDB_PROJECT,
WANDB_API_KEY, WANDB_MODE=offline, ...)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from components.training.run.watcher import Logger, Run

if TYPE_CHECKING:
    from components.training.run.state import State


class WandB(Logger):
    """One W&B run per run, whose id is the run's name, so that one that goes on is the same."""

    package = "wandb"

    def start(self, run: Run) -> None:
        import wandb

        self.folder.mkdir(parents=True, exist_ok=True)
        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "onetrunk"),
            id=run.name,
            resume="allow",
            dir=self.folder,
            config=dict(run.settings),
            settings=wandb.Settings(silent=True),
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """W&B leaves out a step that the run already has."""
        self.run.log(dict(values), step=step)

    def stop(self, state: State) -> None:
        self.run.finish()


LOGGER = WandB
