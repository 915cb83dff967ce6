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

from components.evaluation.records import (
    ChampionEvidence,
    Comparison,
    Evaluation,
    GateOutcome,
    MetricEvidence,
    TaskVerdict,
    Verdict,
)
from components.settings.project import Gate

MEANT = "where that is meant, name it in evaluation.without_champion"
Reason = tuple[GateOutcome, str]


def verdict(
    evaluation: Evaluation, gates: Mapping[str, Gate], without_champion: Collection[str] = ()
) -> Verdict:
    """Judge every task that has a gate; one that is not `pass` keeps the release back, and so does one that
    the champion answers and the candidate does not. Those of `without_champion` need not be compared."""
    measured = {name: _evidence(evaluation, name, gate) for name, gate in gates.items()}
    against = {name: found.champion for name, found in measured.items() if found is not None}
    p_values = {name: comparison.p for name, comparison in against.items() if comparison is not None}
    losses = significant_losses(p_values, 1 - evaluation.confidence)
    judged = {
        name: _judge(
            gate,
            measured[name],
            name in losses,
            None if name in without_champion else _uncompared(evaluation.champion, name),
        )
        for name, gate in gates.items()
    }
    dropped = _dropped(evaluation.champion, {*gates, *without_champion})
    found = {entry.gate for entry in judged.values()}
    held = "hold" in found or bool(dropped) or not judged
    return Verdict(
        verdict="REJECT" if "reject" in found else "HOLD" if held else "PROMOTE",
        model=evaluation.model,
        champion=evaluation.champion,
        confidence=evaluation.confidence,
        tasks=judged,
        dropped=dropped,
    )


def significant_losses(p_values: Mapping[str, float], alpha: float) -> set[str]:
    """Holm's step-down procedure (1979): the tasks whose loss is significant at family level alpha."""
    significant = set()
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        if p_values[name] > alpha / (len(p_values) - rank):
            break
        significant.add(name)
    return significant


def _evidence(evaluation: Evaluation, head: str, gate: Gate) -> MetricEvidence | None:
    measured = evaluation.tasks.get(head)
    return None if measured is None else measured.metrics.get(gate.metric)


def _dropped(champion: ChampionEvidence | None, known: Collection[str]) -> dict[str, str]:
    """The tasks that the champion answers and nobody knows any more, each with what that means."""
    why = f"the champion answers it and the candidate does not (removed or renamed?); {MEANT}"
    return {head: why for head in (champion.heads if champion else ()) if head not in known}


def _uncompared(champion: ChampionEvidence | None, head: str) -> str | None:
    """Why a task that the champion answers was not compared; None where it does not answer it."""
    if champion is None or head not in champion.heads:
        return None
    return champion.not_compared.get(head, "it was not measured")


def _judge(gate: Gate, evidence: MetricEvidence | None, lost: bool, uncompared: str | None) -> TaskVerdict:
    judged = TaskVerdict(
        metric=gate.metric,
        floor=gate.floor,
        margin=gate.margin,
        gate="hold",
        why=f"no {gate.metric} was measured",
    )
    if evidence is None:
        return judged
    outcome, why = _reason(gate, evidence, lost, uncompared)
    seen = {name: getattr(evidence, name) for name in ("value", "interval", "trivial", "linear", "champion")}
    return judged.model_copy(update={**seen, "gate": outcome, "why": why})


def _reason(gate: Gate, evidence: MetricEvidence, lost: bool, uncompared: str | None) -> Reason:
    if not all(map(math.isfinite, [evidence.value, *evidence.interval, *evidence.over_trivial])):
        return "hold", f"{gate.metric} or its interval is not a number"
    found = f"{gate.metric} {evidence.value:.3f}"
    if evidence.value < gate.floor:
        return "reject", f"{found} is below the floor {gate.floor:.3f}"
    if evidence.over_trivial[0] <= 0:
        low = evidence.interval[0]
        return "reject", f"{found} (from {low:.3f}) does not exclude the trivial {evidence.trivial:.3f}"
    if evidence.champion is None:
        return _alone(f"{found} is above the floor {gate.floor:.3f}", uncompared)
    return _against(evidence.champion, gate, found, lost)


def _alone(above: str, uncompared: str | None) -> Reason:
    """Of a task that was compared with nobody: a new one passes, one that the champion answers does not."""
    if uncompared is not None:
        return "hold", f"it cannot be compared with the champion: {uncompared}; {MEANT}"
    return "pass", f"{above}; no champion to compare with"


def _against(champion: Comparison, gate: Gate, found: str, lost: bool) -> Reason:
    low, high = champion.interval
    change = f"{champion.difference:+.3f} [{low:+.3f}, {high:+.3f}]"
    if lost:
        loss = f"{gate.metric} lost significantly against the champion: {change}, p = {champion.p:.3f}"
        return "reject", loss
    if not low > -gate.margin:
        return (
            "hold",
            f"a loss beyond the margin {gate.margin:.3f} against the champion cannot be excluded: {change}",
        )
    return "pass", f"{found} is above the floor and within the margin of the champion: {change}"
