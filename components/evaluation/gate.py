"""The gate: PROMOTE, HOLD or REJECT from the evidence, per task with its reason. It fails closed.

A task is rejected below its floor, when its interval does not exclude the trivial baseline, or on a
significant loss against the champion (paired bootstrap on the same rows, Holm-corrected over the
tasks). It is held when the evidence cannot exclude a loss beyond the non-inferiority margin, where the
champion answers what the candidate does not, or not in a way that can be compared, and where it falls below
the trivial baseline, so that winning means nothing. What is missing or not a number counts against it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Standing:
    """What a task is to the champion."""

    champion: ChampionEvidence | None  # none before the first release
    name: str  # of the task
    lost: bool  # significantly
    meant: bool  # need it not be compared?


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
            Standing(evaluation.champion, name, name in losses, name in without_champion),
        )
        for name, gate in gates.items()
    }
    dropped = _dropped(evaluation.champion, gates, without_champion)
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


def held_back(verdict: Verdict, rolled_back: str | None) -> Verdict:
    """The same verdict, but HOLD instead of PROMOTE of a model that was released under the version
    `rolled_back`, and rolled back: people had a reason that no test row shows."""
    if rolled_back is None or verdict.verdict != "PROMOTE":
        return verdict
    why = (
        f"this very model was released as {rolled_back} and rolled back; change data or settings, or make it "
        f"the champion again with `onetrunk promote {rolled_back}`"
    )
    return verdict.model_copy(update={"verdict": "HOLD", "withheld": why})


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


def _dropped(
    champion: ChampionEvidence | None, gates: Collection[str], without_champion: Collection[str]
) -> dict[str, str]:
    """The tasks that the champion answers and nobody knows any more, each with what that means."""
    heads = champion.heads if champion else []
    new = next((head for head in gates if head not in heads), "NEW")
    return {
        head: f"the champion answers it and the candidate does not; if it was renamed, say so, as in "
        f"evaluation.renamed: {{{new}: {head}}}; if it was removed, name it in evaluation.without_champion"
        for head in heads
        if head not in gates and head not in without_champion
    }


def _judge(gate: Gate, evidence: MetricEvidence | None, standing: Standing) -> TaskVerdict:
    judged = TaskVerdict(
        metric=gate.metric,
        floor=gate.floor,
        margin=gate.margin,
        gate="hold",
        why=f"no {gate.metric} was measured",
    )
    if evidence is None:
        return judged
    outcome, why = _reason(gate, evidence, standing)
    seen = {name: getattr(evidence, name) for name in ("value", "interval", "trivial", "linear", "champion")}
    return judged.model_copy(update={**seen, "gate": outcome, "why": why})


def _reason(gate: Gate, evidence: MetricEvidence, standing: Standing) -> Reason:
    if not all(map(math.isfinite, [evidence.value, *evidence.interval, *evidence.over_trivial])):
        return "hold", f"{gate.metric} or its interval is not a number"
    found = f"{gate.metric} {evidence.value:.3f}"
    if evidence.value < gate.floor:
        return "reject", f"{found} is below the floor {gate.floor:.3f}"
    if evidence.over_trivial[0] <= 0:
        low = evidence.interval[0]
        return "reject", f"{found} (from {low:.3f}) does not exclude the trivial {evidence.trivial:.3f}"
    if evidence.champion is None:
        return _alone(f"{found} is above the floor {gate.floor:.3f}", standing)
    return _against(evidence.champion, gate, found, standing)


def _alone(above: str, standing: Standing) -> Reason:
    """Of a task that was compared with nobody: a new one passes, one that the champion answers does not."""
    if standing.champion is None:
        return "pass", f"{above}; no champion to compare with"
    if standing.name not in standing.champion.heads:
        return "pass", f"{above}; new, the champion does not answer it"
    why = standing.champion.not_compared.get(standing.name, "it was not measured")
    if standing.meant:
        return "pass", f"{above}; not compared, as evaluation.without_champion says ({why})"
    return "hold", f"it cannot be compared with the champion: {why}; {MEANT}"


def _against(champion: Comparison, gate: Gate, found: str, standing: Standing) -> Reason:
    low, high = champion.interval
    change = f"{champion.difference:+.3f} [{low:+.3f}, {high:+.3f}]"
    if champion.changed:
        change += f" on {champion.rows} test rows that both can answer ({champion.changed})"
    if standing.lost:
        loss = f"{gate.metric} lost significantly against the champion: {change}, p = {champion.p:.3f}"
        return "reject", loss
    if not low > -gate.margin:
        return (
            "hold",
            f"a loss beyond the margin {gate.margin:.3f} against the champion cannot be excluded: {change}",
        )
    if champion.over_trivial and champion.over_trivial[1] < 0 and not standing.meant:
        return "hold", _other_question(gate, champion)
    return "pass", f"{found} is above the floor and within the margin of the champion: {change}"


def _other_question(gate: Gate, champion: Comparison) -> str:
    """A model that was released for being better than the trivial one, and is worse today."""
    return (
        f"the champion's {gate.metric} is {champion.value:.3f}, below the trivial baseline's: the task seems "
        f"to mean something else now (labels or outcomes swapped, another scale?), so that beating the "
        f"champion says nothing; {MEANT}"
    )
