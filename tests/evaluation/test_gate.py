"""The gate fails closed, and says per task why."""

from __future__ import annotations

import math
from typing import Any

import pytest

from components.evaluation.gate import significant_losses, verdict
from components.evaluation.records import Comparison, Evaluation, HeadEvidence, MetricEvidence, ModelId
from components.settings.project import Gate


def task(**gate: Any) -> Gate:
    return Gate.model_validate({"metric": "accuracy", "floor": 0.6, "margin": 0.02, **gate})


def evidence(value: float = 0.8, champion: Comparison | None = None, **changes: Any) -> Evaluation:
    """What was measured of one task `t`."""
    entry = {
        "value": value,
        "interval": [value - 0.02, value + 0.02],
        "trivial": 0.5,
        "linear": 0.7,
        "over_trivial": [value - 0.52, value - 0.48],
        "over_linear": [0.0, 0.1],
        "champion": champion,
        **changes,
    }
    head = HeadEvidence(
        task="t",
        family="classification",
        rows={"test": 100},
        metrics={"accuracy": MetricEvidence.model_validate(entry)},
        classes=[],
        share=1.0,
    )
    return Evaluation(model=ModelId(sha256="m"), champion=None, confidence=0.95, tasks={"t": head})


def against(difference: float, width: float, p: float) -> Comparison:
    interval = [difference - width, difference + width]
    return Comparison(value=0.8 - difference, difference=difference, interval=interval, p=p)


@pytest.mark.parametrize(
    ("report", "expected", "why"),
    [
        (evidence(), "PROMOTE", "no champion to compare with"),
        (evidence(0.59), "REJECT", "accuracy 0.590 is below the floor 0.600"),
        (evidence(0.65, over_trivial=[-0.01, 0.1], trivial=0.62), "REJECT", "does not exclude the trivial 0.620"),
        (evidence(champion=against(0.0, 0.01, 0.5)), "PROMOTE", "within the margin of the champion: +0.000 [-0.010, +0.010]"),
        (evidence(champion=against(-0.01, 0.005, 0.001)), "REJECT", "lost significantly against the champion"),
        (evidence(champion=against(-0.005, 0.03, 0.4)), "HOLD", "a loss beyond the margin 0.020"),
        (evidence(float("nan")), "HOLD", "is not a number"),
        (evidence(interval=[float("nan"), 0.9]), "HOLD", "is not a number"),
    ],
)  # fmt: skip
def test_the_verdict_and_its_reason(report: Evaluation, expected: str, why: str) -> None:
    found = verdict(report, {"t": task()})
    assert found.verdict == expected
    assert why in found.tasks["t"].why


def test_a_metric_or_task_that_was_not_measured_is_held() -> None:
    assert verdict(evidence(), {"t": task(metric="macro_f1")}).verdict == "HOLD"
    assert verdict(evidence(), {"t": task(), "other": task()}).verdict == "HOLD"
    assert verdict(evidence(), {}).verdict == "HOLD"


def test_one_rejected_task_rejects_the_release() -> None:
    report = evidence()
    report = report.model_copy(update={"tasks": {**report.tasks, "u": evidence(0.1).tasks["t"]}})
    found = verdict(report, {"t": task(), "u": task()})
    assert found.verdict == "REJECT"
    assert found.tasks["t"].gate == "pass"


def test_a_p_that_is_not_a_number_does_not_pass_as_no_loss() -> None:
    found = verdict(
        evidence(champion=against(0.0, 0.01, 0.5).model_copy(update={"interval": [math.nan, 0.1]})),
        {"t": task()},
    )
    assert found.verdict == "HOLD"


def test_holm_steps_down_like_statsmodels_would() -> None:
    # Holm 1979, by hand: sorted p .01 .02 .03 .20 against .05/4, .05/3, .05/2, .05
    assert significant_losses({"a": 0.01, "b": 0.02, "c": 0.03, "d": 0.2}, 0.05) == {"a"}
    assert significant_losses({"a": 0.01, "b": 0.016, "c": 0.02, "d": 0.2}, 0.05) == {"a", "b", "c"}
    assert significant_losses({"a": 0.02}, 0.05) == {"a"}
    assert significant_losses({}, 0.05) == set()
