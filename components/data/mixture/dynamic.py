"""Shares that follow the tasks' learning progress (Matiisen et al. 2019, teacher-student curriculum).

After a scheduled evaluation each task's share is set by the slope of its last held-out scores: a task that
still learns, or forgets, is drawn more often than one that stands still. Scores are in units of their
metrics, so a slope counts relative to the range of that head's scores so far. What was decided stands in
the history of evaluations, which only grows and which the checkpoint keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from components.data.mixture import schedules
from components.data.mixture.draws import Plan

RECENT = 3  # evaluations whose slope is a task's progress


def progress(scores: Sequence[float]) -> float:
    """How much of all that a head has learnt so far its last evaluations account for, about 0 to 1."""
    values = np.array([score for score in scores if np.isfinite(score)])
    recent = values[-RECENT:]
    if len(recent) < 2 or not np.ptp(values):
        return 0.0
    slope = np.polyfit(np.arange(len(recent)), recent, 1)[0]
    return float(abs(slope) * (len(recent) - 1) / np.ptp(values))


def decide(
    plan: Plan, evaluations: Sequence[Mapping[str, float]], heads: Mapping[str, str]
) -> dict[str, float]:
    """Each task's share s_i (keep + (1 - keep) q_i / sum_j s_j q_j), where s is the share at the start and
    q the mean progress of its heads. Without any progress the shares are those of the start.

    `evaluations` are the scores by head, oldest first; `heads` names each head's task.
    """
    if plan.keep is None:
        raise ValueError("the plan's shares are not dynamic")
    start = {name: task.share for name, task in plan.tasks.items()}
    found: dict[str, list[float]] = {name: [] for name in start}
    for head, task in heads.items():
        found[task].append(progress([scores[head] for scores in evaluations]))
    moved = {name: float(np.mean(values)) for name, values in found.items()}
    total = sum(start[name] * moved[name] for name in start)
    if not total:
        return start
    return {name: s * (plan.keep + (1 - plan.keep) * moved[name] / total) for name, s in start.items()}


def with_decided(plan: Plan, history: Sequence[Mapping[str, Any]]) -> Plan:
    """The plan with the shares of the history: each entry has the `step` at which its `shares` were
    decided. They hold from the next window on. A plan whose shares are not dynamic is left as it is."""
    if plan.keep is None:
        return plan
    start = {name: task.share for name, task in plan.tasks.items()}
    decided = [(0, start), *((entry["step"], entry["shares"]) for entry in history)]
    stairs = schedules.dynamic(decided, plan.window)
    return replace(
        plan, tasks={name: replace(task, schedule=stairs[name]) for name, task in plan.tasks.items()}
    )
