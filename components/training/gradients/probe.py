"""Probes: each task's gradient on a small part of what is shared, without a backward pass through the
encoder."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import ClassVar, Self, TypedDict

import numpy as np
import torch

from components.model.multitask import MultiTaskModel
from components.training.balancing.base import Fact


class Shown(TypedDict, total=False):
    """What probes may show of a step: fields of `StepFacts`, which says what they are."""

    norms: dict[str, float]
    last_layer_KK: np.ndarray
    representation_KK: np.ndarray


class Probe(abc.ABC):
    """Collects gradients over the micro-batches of a step, whose forward passes run within its context."""

    shows: ClassVar[frozenset[Fact]]

    def __init__(self, model: MultiTaskModel, heads: Sequence[str]) -> None:
        self.model, self.heads = model, list(heads)

    def __enter__(self) -> Self:
        return self

    def __exit__(  # noqa: B027 most have nothing to undo
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    @abc.abstractmethod
    def add(self, means: Mapping[str, torch.Tensor]) -> None:
        """Add a micro-batch's losses; their graph is kept."""

    @abc.abstractmethod
    def values(self) -> list[torch.Tensor]:
        """What is to be read of the device, together with what else is."""

    @abc.abstractmethod
    def facts(self, values: Sequence[np.ndarray], scale: float) -> Shown:
        """What it `shows`, by its `values` as they were read, of what all processes have found: of losses
        that were multiplied by `scale`."""
