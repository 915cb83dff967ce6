"""The gate: PROMOTE, HOLD or REJECT from the evidence, per task with its reason. It fails closed.

A task is rejected below its floor, when its interval does not exclude the trivial baseline, or on a
significant loss against the champion (paired bootstrap on the same rows, Holm-corrected over the
tasks). It is held when the evidence cannot exclude a loss beyond the non-inferiority margin, and where
the champion answers what the candidate does not, or not in a way that can be compared. What is missing
or not a number counts against it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from components.settings.project import Gate

MEANT = "where that is meant, name it in evaluation.without_champion"
Verdict = dict[str, Any]


def verdict(
    evaluation: Mapping[str, Any], gates: Mapping[str, Gate], without_champion: Collection[str] = ()
) -> Verdict:
    """Judge every task that has a gate; one that is not `pass` keeps the release back, and so does one that
    the champion answers and the candidate does not. Those of `without_champion` need not be compared."""
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
        name: _judge(
            gate,
            measured[name].get(gate.metric),
            name in losses,
            None if name in without_champion else _uncompared(evaluation["champion"], name),
        )
        for name, gate in gates.items()
    }
    dropped = _dropped(evaluation["champion"], {*gates, *without_champion})
    found = {entry["gate"] for entry in judged.values()}
    overall = "REJECT" if "reject" in found else "HOLD" if "hold" in found or dropped else "PROMOTE"
    return {
        "verdict": overall if judged else "HOLD",
        "model": evaluation["model"],
        "champion": evaluation["champion"],
        "confidence": evaluation["confidence"],
        "tasks": judged,
        "dropped": dropped,
    }


def reasons(verdict: Verdict) -> list[str]:
    """Why a verdict is not PROMOTE, a sentence per task."""
    judged = {name: task["why"] for name, task in verdict["tasks"].items() if task["gate"] != "pass"}
    return [f"{name}: {why}" for name, why in {**judged, **verdict["dropped"]}.items()]


def _dropped(champion: Mapping[str, Any] | None, known: Collection[str]) -> dict[str, str]:
    """The tasks that the champion answers and nobody knows any more, each with what that means."""
    heads = champion["heads"] if champion else ()
    why = f"the champion answers it and the candidate does not (removed or renamed?); {MEANT}"
    return {head: why for head in heads if head not in known}


def _uncompared(champion: Mapping[str, Any] | None, head: str) -> str | None:
    """Why a task that the champion answers was not compared; None where it does not answer it."""
    if champion is None or head not in champion["heads"]:
        return None
    return str(champion["not_compared"].get(head, "it was not measured"))


def significant_losses(p_values: Mapping[str, float], alpha: float) -> set[str]:
    """Holm's step-down procedure (1979): the tasks whose loss is significant at family level alpha."""
    significant = set()
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        if p_values[name] > alpha / (len(p_values) - rank):
            break
        significant.add(name)
    return significant


def _judge(
    gate: Gate, evidence: Mapping[str, Any] | None, lost: bool, uncompared: str | None
) -> dict[str, Any]:
    judged: dict[str, Any] = {"metric": gate.metric, "floor": gate.floor, "margin": gate.margin}
    if evidence is None:
        return {**judged, "gate": "hold", "why": f"no {gate.metric} was measured", "value": None}
    judged.update({key: evidence[key] for key in ("value", "interval", "trivial", "linear", "champion")})
    numbers = [evidence["value"], *evidence["interval"], *evidence["over_trivial"]]
    if not all(math.isfinite(number) for number in numbers):
        return {**judged, "gate": "hold", "why": f"{gate.metric} or its interval is not a number"}
    outcome, why = _reason(gate.metric, gate.floor, gate.margin, evidence, lost, uncompared)
    return {**judged, "gate": outcome, "why": why}


def _reason(
    metric: str,
    floor: float,
    margin: float,
    evidence: Mapping[str, Any],
    lost: bool,
    uncompared: str | None,
) -> tuple[str, str]:
    value, low = evidence["value"], evidence["interval"][0]
    if value < floor:
        return "reject", f"{metric} {value:.3f} is below the floor {floor:.3f}"
    if evidence["over_trivial"][0] <= 0:
        return (
            "reject",
            f"{metric} {value:.3f} (from {low:.3f}) does not exclude the trivial {evidence['trivial']:.3f}",
        )
    if evidence["champion"] is None:
        return _alone(f"{metric} {value:.3f} is above the floor {floor:.3f}", uncompared)
    return _against(evidence["champion"], f"{metric} {value:.3f}", metric, margin, lost)


def _alone(above: str, uncompared: str | None) -> tuple[str, str]:
    """Of a task that was compared with nobody: a new one passes, one that the champion answers does not."""
    if uncompared is not None:
        return "hold", f"it cannot be compared with the champion: {uncompared}; {MEANT}"
    return "pass", f"{above}; no champion to compare with"


def _against(
    champion: Mapping[str, Any], found: str, metric: str, margin: float, lost: bool
) -> tuple[str, str]:
    low, high = champion["interval"]
    change = f"{champion['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"
    if lost:
        return (
            "reject",
            f"{metric} lost significantly against the champion: {change}, p = {champion['p']:.3f}",
        )
    if not low > -margin:
        return (
            "hold",
            f"a loss beyond the margin {margin:.3f} against the champion cannot be excluded: {change}",
        )
    return "pass", f"{found} is above the floor and within the margin of the champion: {change}"
