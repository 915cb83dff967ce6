"""TensorBoard: `tensorboard --logdir .onetrunk/tensorboard`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from components.training.run.watcher import Logger, Run

if TYPE_CHECKING:
    from components.training.run.state import State


class TensorBoard(Logger):
    """A folder of event files per run, written by torch's own writer.

    `purge_step` leaves a mark in the new file of a run that goes on, at which TensorBoard forgets what
    older files have of that step and later ones.
    """

    package = "tensorboard"

    def start(self, run: Run) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(self.folder / "tensorboard" / run.name, purge_step=run.done + 1)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def flush(self) -> None:
        self.writer.flush()

    def stop(self, state: State) -> None:
        self.writer.close()


LOGGER = TensorBoard
