"""What a regularising method must offer.

A method is a file of this folder with a class called METHOD, whose fields are the options that a user
may set. It sees a micro-batch's passes through the model (components/training/step/forward.py) and
adds a term to each head's loss, so balancing weighs the sum. What it draws, it draws with torch's
generators, which
are seeded for every step: it remembers nothing.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from components.training.step.forward import Forward, Losses


class Regulariser(BaseModel, abc.ABC):
    """One method; its fields are its options."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @abc.abstractmethod
    def terms(self, forward: Forward) -> Losses:
        """What is added to each head's loss of the micro-batch, by head; none of it negative."""

    def check(self, dropout: float) -> None:
        """Raise ValueError, with a clause that says why, where the method does nothing for a model of
        this dropout."""
