"""Synthetic evidence of tasks, and what the gate makes of it."""

from __future__ import annotations

from typing import Any

from components.evaluation.gate import verdict
from components.evaluation.records import Comparison, Evaluation, Finding, Verdict
from components.settings.project import Gate
from tests import verdicts
from tests.verdicts import of


def task(**gate: Any) -> Gate:
    return Gate.model_validate({"metric": "accuracy", "floor": 0.6, "margin": 0.02, **gate})


def evidence(
    value: float = 0.8, champion: Comparison | None = None, findings: tuple[Finding, ...] = (), **changes: Any
) -> Evaluation:
    """What was measured of one task `t`."""
    return of({"t": verdicts.measured(value, champion, **changes)}, findings)


def judged(report: Evaluation, **rules: Any) -> Verdict:
    gates = dict.fromkeys(report.tasks, task())
    return verdict(report, verdicts.rules(gates, **rules))
