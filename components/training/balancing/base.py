"""What a balancing method must offer.

A step shows facts (losses, norms, inner products of gradients); balancing turns them into one
weight per task, by two parts that compose:

- a *weighting* gives w_i: the step's objective is sum_i w_i L_i, and a head trains on its w_i L_i;
- a *combination* replaces the sum of the weighted gradients on the shared parameters, sum_i w_i g_i,
  by sum_i c_i w_i g_i, with c a function of their Gramian alone.

A method is a file in `weights/` or `combinations/` with a class called METHOD, known by the file's name
unless the class declares another. Its fields are the options that a user may set. Everything is float64
in plain Python and numpy, so that the state goes through JSON unchanged and a resumed run repeats the
uninterrupted one bit for bit.

Legend: i a task (a head of the model), K the tasks of a step, L_i its loss, g_i the gradient of L_i
on the shared parameters, G_ij = <g_i, g_j>.
"""

from __future__ import annotations

import abc
import copy
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, PrivateAttr

Fact = Literal["norms", "gramian_KK", "last_layer_KK", "representation_KK", "losses_after", "alignments"]
GRAMIANS: dict[str, Fact] = {
    "exact": "gramian_KK",
    "last_layer": "last_layer_KK",
    "representation": "representation_KK",
}
Weights = dict[str, float]  # task -> weight
TaskState = dict[str, dict[str, float]]  # task -> what a method remembers of it


@dataclass(frozen=True)
class TaskFacts:
    """What a weighting knows of a task besides its losses."""

    share: float  # of the mixture
    gaussian: bool = False  # is its loss a squared error, rather than a negative log-likelihood?


@dataclass(frozen=True)
class StepFacts:
    """What one step showed. `losses`, none negative, are of the tasks that it drew; `tasks` are all
    that train now.

    All gradients are those of the unweighted losses, unscaled where the precision scales losses,
    accumulated over the step's micro-batches and reduced over all ranks.
    """

    seed: int
    step: int
    tasks: Mapping[str, TaskFacts]
    losses: Mapping[str, float]
    gramian_KK: np.ndarray | None = None  # float64, in the order of `losses`
    norms: Mapping[str, float] | None = None  # of each g_i on the last shared layer
    losses_after: Mapping[str, float] | None = None  # of the same rows, after the step
    alignments: Mapping[str, float] | None = (
        None  # <g of the look-ahead's loss, g_i>: see weights/auto_lambda.py
    )
    last_layer_KK: np.ndarray | None = None  # gramian_KK of the last shared layer's parameters alone
    representation_KK: np.ndarray | None = None  # inner products of the gradients on the hidden states

    @property
    def finite(self) -> bool:
        """Is every number a number? A step that shows anything else is to be skipped."""
        given = (self.losses, self.norms, self.losses_after, self.alignments)
        numbers = [value for mapping in given for value in (mapping or {}).values()]
        grams = (self.gramian_KK, self.last_layer_KK, self.representation_KK)
        whole = all(gram_KK is None or bool(np.isfinite(gram_KK).all()) for gram_KK in grams)
        return whole and all(math.isfinite(value) for value in numbers)


class Method(BaseModel):
    """A weighting or a combination; its fields are its options."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)
    name: ClassVar[str | None] = None
    """Its name in params.yaml, where that is not its file's."""

    def needs(self, step: int) -> frozenset[Fact]:
        """The optional facts that it asks of this step."""
        return frozenset()


class Weighting(Method, abc.ABC):
    """Gives each task of a step its weight w_i.

    Reading the weights changes nothing; `update` moves the state once the step was taken. A task
    that the step did not draw gets no weight, and nothing that is remembered of it changes.
    """

    by_this_step: ClassVar[bool] = False
    """Do the weights depend on the losses of the very step that they weigh?"""
    initial: ClassVar[Mapping[str, float]] = {}
    """What is remembered of a task that was never seen."""
    _tasks: TaskState = PrivateAttr(default_factory=dict)

    @abc.abstractmethod
    def weights(self, facts: StepFacts) -> Weights:
        """w_i of the step's tasks, from the state as it was before the step."""

    def update(self, facts: StepFacts) -> None:
        """Learn from a step that was taken, all of its facts finite."""

    def check(self, tasks: Collection[str]) -> None:
        """Raise ValueError, with a clause that begins with the key, where the options do not fit tasks."""

    def of_run(self, steps: int) -> Self:
        """The method as it is in a run of so many steps."""
        return self

    def of(self, task: str) -> dict[str, float]:
        """What is remembered of a task (a copy)."""
        return dict(self._tasks.get(task, self.initial))

    def remember(self, task: str, values: Mapping[str, float]) -> None:
        """Replace what is remembered of a task."""
        self._tasks[task] = dict(values)

    def state(self) -> TaskState:
        """All that is remembered, for a checkpoint; JSON keeps it exactly."""
        return copy.deepcopy(self._tasks)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`. Tasks that it does not name begin anew."""
        self._tasks = copy.deepcopy(dict(state))


class Combination(Method, abc.ABC):
    """Maps the Gramian of the step's gradients to their factors c_i.

    A combination stands in for the plain sum, all c_i = 1: where a paper has a mean (or weights
    that sum to 1), its weights are multiplied by K. So `equal` weights, 1/K, give the paper's own.
    """

    @abc.abstractmethod
    def factors(self, gramian_KK: np.ndarray, seed: int, step: int) -> np.ndarray:
        """factors_K, for a Gramian whose diagonal is positive."""


class GramianCombination(Combination):
    """One that looks at the Gramian; `gramian` says of which gradients.

    `exact` is of those on all that is shared. The others are for tasks over the same rows, whose exact
    Gramian takes K whole backward passes, and their factors weigh all shared parameters: `last_layer` is
    of those on the last shared layer alone, where tasks meet for the last time, and `representation` of
    those on the encoder's hidden states, for which backward goes through the heads and no further. Where
    a weighting needs the exact one, it is at hand and used.
    """

    # which gradients are compared: docs/reference/balancing.md
    gramian: Literal["exact", "last_layer", "representation"] = "exact"

    def needs(self, step: int) -> frozenset[Fact]:
        return frozenset({GRAMIANS[self.gramian]})
