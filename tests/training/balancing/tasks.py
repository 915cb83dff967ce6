"""Three tasks whose losses are weighed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.training.balancing import StepFacts, TaskFacts

TASKS = {"a": TaskFacts(0.6), "b": TaskFacts(0.3), "c": TaskFacts(0.1, gaussian=True)}


def facts(
    losses: Mapping[str, float], step: int = 0, tasks: Mapping[str, TaskFacts] = TASKS, **more: Any
) -> StepFacts:
    return StepFacts(seed=0, step=step, tasks=tasks, losses=losses, **more)
