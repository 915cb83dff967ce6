"""What a training run knows besides tensors; a checkpoint keeps it whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Cosines = dict[str, dict[str, list[float]]]  # head -> a later head -> [sum, number of steps]


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
    balancing: dict[str, Any] = field(default_factory=dict)  # what the balancer remembers
    loss_scale: dict[str, float] = field(default_factory=dict)  # in fp16
    micro_batch_tokens: int | None = None  # where memory did not hold what the settings say
    affinity: dict[str, Any] = field(default_factory=dict)  # of the tasks, where it is measured
    history: list[dict[str, Any]] = field(default_factory=list)
