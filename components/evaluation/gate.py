"""The gate: PROMOTE, HOLD or REJECT from the evidence, per task with its reason. It fails closed.

A task is rejected below its floor, when its interval does not exclude the trivial baseline, or on a
significant loss against the champion (paired bootstrap on the same rows, Holm-corrected over the
tasks). It is held when the evidence cannot exclude a loss beyond the non-inferiority margin. What
is missing or not a number counts against it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from components.settings.project import Gate

Verdict = dict[str, Any]


def verdict(evaluation: Mapping[str, Any], gates: Mapping[str, Gate]) -> Verdict:
    """Judge every task that has a gate; one that is not `pass` keeps the release back."""
    alpha = 1 - evaluation["confidence"]
    measured = {name: evaluation["tasks"].get(name, {}).get("metrics", {}) for name in gates}
    losses = significant_losses(
        {
            name: entry["champion"]["p"]
            for name, gate in gates.items()
            if (entry := measured[name].get(gate.metric)) and entry.get("champion")
        },
        alpha,
    )
    judged = {
        name: _judge(gate, measured[name].get(gate.metric), name in losses) for name, gate in gates.items()
    }
    found = {entry["gate"] for entry in judged.values()}
    overall = "REJECT" if "reject" in found else "HOLD" if "hold" in found else "PROMOTE"
    return {
        "verdict": overall if judged else "HOLD",
        "model": evaluation["model"],
        "champion": evaluation["champion"],
        "confidence": evaluation["confidence"],
        "tasks": judged,
    }


def significant_losses(p_values: Mapping[str, float], alpha: float) -> set[str]:
    """Holm's step-down procedure (1979): the tasks whose loss is significant at family level alpha."""
    significant = set()
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        if p_values[name] > alpha / (len(p_values) - rank):
            break
        significant.add(name)
    return significant


def _judge(gate: Gate, evidence: Mapping[str, Any] | None, lost: bool) -> dict[str, Any]:
    judged: dict[str, Any] = {"metric": gate.metric, "floor": gate.floor, "margin": gate.margin}
    if evidence is None:
        return {**judged, "gate": "hold", "why": f"no {gate.metric} was measured", "value": None}
    judged.update({key: evidence[key] for key in ("value", "interval", "trivial", "linear", "champion")})
    numbers = [evidence["value"], *evidence["interval"], *evidence["over_trivial"]]
    if not all(math.isfinite(number) for number in numbers):
        return {**judged, "gate": "hold", "why": f"{gate.metric} or its interval is not a number"}
    outcome, why = _reason(gate.metric, gate.floor, gate.margin, evidence, lost)
    return {**judged, "gate": outcome, "why": why}


def _reason(
    metric: str, floor: float, margin: float, evidence: Mapping[str, Any], lost: bool
) -> tuple[str, str]:
    value, low = evidence["value"], evidence["interval"][0]
    if value < floor:
        return "reject", f"{metric} {value:.3f} is below the floor {floor:.3f}"
    if evidence["over_trivial"][0] <= 0:
        return (
            "reject",
            f"{metric} {value:.3f} (from {low:.3f}) does not exclude the trivial {evidence['trivial']:.3f}",
        )
    champion = evidence["champion"]
    if champion is None:
        return "pass", f"{metric} {value:.3f} is above the floor {floor:.3f}; no champion to compare with"
    change = f"{champion['difference']:+.3f} [{champion['interval'][0]:+.3f}, {champion['interval'][1]:+.3f}]"
    if lost:
        return (
            "reject",
            f"{metric} lost significantly against the champion: {change}, p = {champion['p']:.3f}",
        )
    if not champion["interval"][0] > -margin:
        return (
            "hold",
            f"a loss beyond the margin {margin:.3f} against the champion cannot be excluded: {change}",
        )
    return "pass", f"{metric} {value:.3f} is above the floor and within the margin of the champion: {change}"
