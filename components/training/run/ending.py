"""When a training ends: after the plan's steps, or, where the budget is `auto`, once no task improves.

Until then the rates stay high, since nobody knows yet when they are to fall; from then on they fall, over a
part of the steps taken so far (warm-up, stable, decay: Hägele et al. 2024). That is decided by the history of
evaluations, which the checkpoint keeps, so a resumed run ends where the uninterrupted one did.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.data.mixture.draws import Plan
from components.settings.training import Training
from components.training.run import curve
from components.training.run.beforehand import latest_fall
from components.training.run.state import Entry
from components.training.schedule import trapezium

AHEAD = 1.5  # times the steps so far: is the curve higher there?


@dataclass(frozen=True)
class Ending:
    """The run's last steps, as far as they are known."""

    rising: int  # steps of the warm-up
    falls: int  # the step from which the rates fall
    end: int  # how many steps the run has

    def factor(self, step: int, training: Training) -> float:
        """What the rates are multiplied by in a step."""
        return trapezium(step, self.rising, self.falls, self.end, training.schedule)


def ending(plan: Plan, training: Training, history: Sequence[Entry]) -> Ending:
    """The ending that the history has decided; before that, the plan's."""
    rising = max(1, round(training.warmup * plan.steps))
    if plan.cooldown is None:
        return Ending(rising, rising, plan.steps)
    latest = latest_fall(plan.steps, plan.cooldown)
    falls = min((entry["step"] for entry in history if entry.get("settled")), default=latest)
    end = plan.steps if falls >= latest else math.ceil(falls * (1 + plan.cooldown))
    return Ending(min(rising, training.evaluate_every), min(falls, latest), end)


def settled(history: Sequence[Entry], heads: Iterable[str]) -> bool:
    """Have all of these heads begun to learn, and does none improve any more, surely, at this evaluation and
    at the one before?"""
    if len(history) < curve.SETTLED:
        return False
    asked = set(heads)
    if not asked <= set(curve.begun(history)):
        return False
    pasts = [history[: len(history) - ago] for ago in range(curve.IN_A_ROW)]
    found = (curve.of_head(past, head, AHEAD).improves for head in asked for past in pasts)
    return all(improves is False for improves in found)
