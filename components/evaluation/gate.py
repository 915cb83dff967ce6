"""The gate: PROMOTE, HOLD or REJECT from the evidence, per head with its reason. It fails closed.

PROMOTE when every head is shown to be within its margin of the champion and of its anchor, holds its floor
and is clear of the baselines that it must beat; REJECT when one is shown not to be; HOLD where the evidence
does not tell (docs/explanation/gate.md). A bound that must hold for every head needs no correction for their
number; a loss that one of many may show by chance does (Holm's).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

from components.evaluation import anchors, paired
from components.evaluation.judging import Case, Key, Reason, judge, judge_finding, remarks, warnings
from components.evaluation.records import (
    ChampionEvidence,
    Evaluation,
    GateRule,
    Rules,
    TaskVerdict,
    Verdict,
)
from components.settings.project import Project

Name = TypeVar("Name", bound=Hashable)
ROLLED_BACK = (  # people had a reason that no test row shows
    "this very model was released as {0} and rolled back; change data or settings, or make it the champion "
    "again with `onetrunk promote {0}`"
)


def rules_of(project: Project) -> Rules:
    """The settings that are in force in a project."""
    settings = project.evaluation
    return Rules(
        gates={
            head: GateRule(**gate.model_dump(include=set(GateRule.model_fields)))
            for head, gate in project.gates().items()
        },
        without_champion=settings.without_champion,
        shown_loss=settings.shown_loss,
        anchor_margin=settings.anchor_margin,
        further=settings.gates,
    )


def verdict(evaluation: Evaluation, rules: Rules, evidence: str | None = None) -> Verdict:
    """Judge every head that has a gate; one that is not `pass` keeps the release back, and so does one that
    the champion answers and the candidate does not. `evidence` is the SHA-256 of the evaluation's file."""
    cases = _cases(evaluation, rules)
    shown = shown_losses(cases, evaluation.confidence)
    judged = {case.head: _judged(case, shown) for case in cases}
    dropped = _dropped(evaluation.champion, rules)
    whole = [finding for finding in evaluation.findings if finding.outcome != "pass"]
    found = {entry.gate for entry in judged.values()} | {finding.outcome for finding in whole}
    withheld = evaluation.rolled_back and ROLLED_BACK.format(evaluation.rolled_back)
    held = "hold" in found or bool(dropped) or not judged or withheld is not None
    return Verdict(
        verdict="REJECT" if "reject" in found else "HOLD" if held else "PROMOTE",
        model=evaluation.model,
        champion=evaluation.champion,
        confidence=evaluation.confidence,
        tasks=judged,
        dropped=dropped,
        of_model=[f"{finding.gate}: {finding.why}" for finding in whole],
        withheld=withheld,
        evidence=evidence,
        rules=rules,
        anchors={case.head: anchors.after(case) for case in cases},
    )


def findings(evaluation: Evaluation, rules: Rules) -> dict[str, list[Reason]]:
    """head -> what each finding of further gates comes to in its verdict, in their order."""
    cases = _cases(evaluation, rules)
    shown = shown_losses(cases, evaluation.confidence)
    return {
        case.head: [judge_finding(case, finding, shown) for finding in case.measured.findings]
        for case in cases
        if case.measured
    }


def _cases(evaluation: Evaluation, rules: Rules) -> list[Case]:
    return [Case(head, rule, rules, evaluation) for head, rule in rules.gates.items()]


def shown_losses(cases: Collection[Case], confidence: float) -> set[Key]:
    """The comparisons, of heads and of what further gates found, whose loss is shown to be too large."""
    p_values = {
        key: paired.p_worse(comparison, loss, confidence)
        for case in cases
        for key, comparison, loss in case.losses()
    }
    return holm({key: p for key, p in p_values.items() if math.isfinite(p)}, 1 - confidence)


def holm(p_values: Mapping[Name, float], alpha: float) -> set[Name]:
    """Holm's step-down procedure (1979): what is significant at family level alpha."""
    significant = set()
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        if p_values[name] > alpha / (len(p_values) - rank):
            break
        significant.add(name)
    return significant


def _judged(case: Case, shown: Collection[Key]) -> TaskVerdict:
    outcome, why = judge(case, shown)
    names = ("value", "interval", "trivial", "linear", "champion", "anchor")
    seen = {name: getattr(case.evidence, name) for name in names} if case.evidence else {}
    return TaskVerdict(
        **case.rule.model_dump(),
        **seen,
        gate=outcome,
        why=why,
        warnings=warnings(case),
        remarks=remarks(case),
    )


def _dropped(champion: ChampionEvidence | None, rules: Rules) -> dict[str, str]:
    """The heads that the champion answers and nobody knows any more, each with what that means."""
    heads, gates = champion.heads if champion else [], rules.gates
    new = next((head for head in gates if head not in heads), "NEW")
    return {
        head: f"the champion answers it and the candidate does not; if it was renamed, say so, as in "
        f"evaluation.renamed: {{{new}: {head}}}; if it was removed, name it in evaluation.without_champion"
        for head in heads
        if head not in gates and head not in rules.without_champion
    }
