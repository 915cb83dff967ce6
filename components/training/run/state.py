"""What a training run knows besides tensors; a checkpoint keeps it whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from components.training.balancing.base import TaskState

Cosines = dict[str, dict[str, list[float]]]  # head -> a later head -> [sum, number of steps]


class Entry(TypedDict):
    """A scheduled evaluation in the history: JSON of the keys of `records.ScheduledEvaluation`, which says
    what they are. The last entry still changes, as shares are decided and tasks stop."""

    step: int
    score: float
    error: NotRequired[float]
    validation: dict[str, float]
    errors: NotRequired[dict[str, float]]
    rows: NotRequired[dict[str, int]]
    training_loss: dict[str, float]
    weights: dict[str, float]
    mixture: dict[str, float]
    cosines: dict[str, dict[str, float]]
    learning_rate: float
    tokens: int
    shares: NotRequired[dict[str, float]]
    stopped: NotRequired[list[str]]
    settled: NotRequired[bool]


@dataclass
class State:
    """What a run knows besides tensors: the next step, the best evaluation, the history so far."""

    step: int = 0
    best_score: float = float("-inf")
    best_step: int = 0
    evaluations_without_improvement: int = 0
    losses: dict[str, list[float]] = field(default_factory=dict)  # since the last evaluation
    weights: dict[str, list[float]] = field(default_factory=dict)  # of the tasks, since then too
    cosines: Cosines = field(default_factory=dict)  # of their gradients, since then too
    tokens: int = 0  # real ones, of all steps
    balancing: TaskState = field(default_factory=dict)  # what the balancer remembers
    loss_scale: dict[str, float] = field(default_factory=dict)  # in fp16
    micro_batch_tokens: int | None = None  # where they are not what the settings say
    memory_found: bool = False  # there was too little once: micro-batches grow no more
    affinity: dict[str, dict[str, list[float]]] = field(default_factory=dict)  # where it is measured
    history: list[Entry] = field(default_factory=list)
