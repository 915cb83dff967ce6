"""What the settings make of a plan that nobody would guess, said before the training begins."""

from __future__ import annotations

import math
from collections.abc import Iterator

from components.data.mixture.outlook import Warned
from components.data.mixture.records import PlanRecord
from components.settings.training import Training
from components.training.run import curve


def warnings(plan: PlanRecord, training: Training) -> list[Warned]:
    """What a person may want to change, and the keys."""
    return [*_is_never_settled(plan, training), *_draws_nothing(plan, training)]


def latest_fall(steps: int, cooldown: float) -> int:
    """The step from which the rates of an `auto` run fall whatever the scores."""
    return math.floor(steps / (1 + cooldown))


def _is_never_settled(plan: PlanRecord, training: Training) -> Iterator[Warned]:
    """An `auto` budget that cannot end before its ceiling, for its evaluations are too few."""
    if plan.cooldown is None:
        return
    before = latest_fall(plan.steps, plan.cooldown) - 1
    seen, often = before // training.evaluate_every, before // curve.SETTLED
    if seen >= curve.SETTLED:
        return
    sooner = f"a training.evaluate_every of {often} or less, or " if often else ""
    yield Warned(
        f"the budget is auto, which takes {curve.SETTLED} scheduled evaluations to tell that no task "
        f"improves, and {seen or 'none'} of them {'is' if seen == 1 else 'are'} before the rates fall "
        f"anyway, so it trains up to its ceiling; expected {sooner}a higher ceiling",
        ("training.evaluate_every", "training.budget"),
    )


def _draws_nothing(plan: PlanRecord, training: Training) -> Iterator[Warned]:
    """Steps that are shorter than a row, so that many have none."""
    if plan.rows_per_step < 1:
        yield Warned(
            f"a step draws {plan.rows_per_step:.2g} rows on average, so some draw none: its "
            f"{training.tokens_per_step:,} tokens are fewer than a row has; expected more",
            ("training.tokens_per_step",),
        )
