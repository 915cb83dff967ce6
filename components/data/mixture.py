"""The mixture: which rows of which task a step draws.

The draws of step s are a pure function of (plan, seed, s). No permutation is stored and no cursor
moves: a keyed bijection walks each task's rows once per epoch, and the number of rows that a task
has given before step s is closed arithmetic. So step 41,007 costs what step 0 costs, and 100 M
rows take no memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from components.settings import Mixture


def shares(mixture: Mixture, rows: Mapping[str, int]) -> dict[str, float]:
    """The share p_i of each task among the rows drawn; they sum to 1.

    temperature: p_i ~ min(n_i, cap)^(1/T), the cap before the power (Arivazhagan 2019, Raffel 2020
    section 3.5.2); proportional: T = 1; uniform: 1/K; inverse_size: p_i ~ 1/n_i; fixed_ratio: as given.
    """
    capped = {name: min(n, mixture.cap) if mixture.cap else n for name, n in rows.items()}
    weights = {
        "temperature": {name: n ** (1 / mixture.temperature) for name, n in capped.items()},
        "proportional": {name: float(n) for name, n in capped.items()},
        "uniform": dict.fromkeys(rows, 1.0),
        "inverse_size": {name: 1 / n for name, n in capped.items()},
        "fixed_ratio": {name: mixture.ratio.get(name, 0.0) for name in rows},
    }[mixture.method]
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


@dataclass(frozen=True)
class TaskPlan:
    """One task's part of the plan. `excluded` are sorted row numbers that training leaves out."""

    rows: int
    share: float
    excluded: list[int] = field(default_factory=list)

    @property
    def usable(self) -> int:
        return self.rows - len(self.excluded)


@dataclass(frozen=True)
class Plan:
    """What the whole run draws: `rows_per_step` rows a step for `steps` steps."""

    steps: int
    rows_per_step: float
    window: int
    tasks: dict[str, TaskPlan]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Plan:
        tasks = {
            name: TaskPlan(entry["rows"], entry["share"], entry["excluded"])
            for name, entry in value["tasks"].items()
        }
        return cls(value["steps"], value["rows_per_step"], value["window"], tasks)


def drawn_before(plan: Plan, task: str, step: int) -> int:
    """How many rows `task` gives to the steps before `step`: its share of them, rounded down.

    Consecutive steps differ by one row at most, so every batch holds the task's share exactly, up
    to rounding.
    """
    return int(np.floor(step * plan.rows_per_step * plan.tasks[task].share + 1e-9))


def draw(plan: Plan, task: str, seed: int, first: int, last: int) -> np.ndarray:
    """Row numbers of the task's draws number first, ..., last - 1 (each epoch visits a row once)."""
    usable = plan.tasks[task].usable
    numbers = np.arange(first, last, dtype=np.uint64)
    epochs, places = numbers // usable, numbers % usable
    rows = np.empty(len(numbers), dtype=np.int64)
    for epoch in np.unique(epochs):
        chosen = epochs == epoch
        rows[chosen] = permute(places[chosen], usable, key(seed, task, int(epoch)))
    return skip(rows, plan.tasks[task].excluded)


def skip(rows: np.ndarray, excluded: list[int]) -> np.ndarray:
    """Map 0, 1, ... onto the row numbers that are not in the sorted list `excluded`."""
    if not excluded:
        return rows
    before = np.asarray(excluded) - np.arange(len(excluded))  # usable rows below each excluded one
    return rows + np.searchsorted(before, rows, side="right")


def key(*parts: object) -> int:
    """A 64-bit key that depends on every part."""
    text = "\n".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def permute(places: np.ndarray, size: int, secret: int) -> np.ndarray:
    """A keyed bijection on {0, ..., size - 1}: a Feistel network (Luby & Rackoff 1988) over the next
    power of four, walked along its cycles until it lands inside (Black & Rogaway 2002, section 3)."""
    half = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
    values = places.astype(np.uint64)
    outside = np.ones(len(values), dtype=bool)
    while outside.any():
        values[outside] = _feistel(values[outside], half, secret)
        outside = values >= size
    return values.astype(np.int64)


def _feistel(values: np.ndarray, half: int, secret: int) -> np.ndarray:
    mask = np.uint64((1 << half) - 1)
    left, right = values >> np.uint64(half), values & mask
    for number in range(4):
        round_key = np.uint64((secret + 0x9E3779B97F4A7C15 * (number + 1)) & 0xFFFFFFFFFFFFFFFF)
        left, right = right, left ^ (_mix(right ^ round_key) & mask)
    return (left << np.uint64(half)) | right


def _mix(values: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele 2014); uint64 arithmetic wraps, as it should."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
