"""The gate: PROMOTE, HOLD or REJECT from the evidence, per head with its reason. It fails closed.

PROMOTE when every head is shown to be within its margin of the champion and of its anchor, holds its floor
and is clear of the baselines that it must beat; REJECT when one is shown not to be; HOLD where the evidence
does not tell (docs/explanation/gate.md). A bound that must hold for every head needs no correction for their
number; a fault that one of many may show by chance does (Holm's).
"""

from __future__ import annotations

from collections.abc import Collection

from components.evaluation import anchors, paired
from components.evaluation.case import Case, Key
from components.evaluation.judging import Reason, judge, judge_finding, remarks, warnings
from components.evaluation.records import (
    ChampionEvidence,
    Evaluation,
    GateRule,
    Rules,
    TaskVerdict,
    Verdict,
)
from components.holm import holm
from components.settings.project import Project

JUDGED_BY = 1
"""Version of the rules of this file and of what it calls. It is one more where the same evidence and settings
come to another verdict, or to other words: a verdict of before is then told from an edited one."""
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
    shown = shown_faults(cases, evaluation.confidence)
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
        judged_by=JUDGED_BY,
        anchors={case.head: anchors.after(case) for case in cases},
    )


def findings(evaluation: Evaluation, rules: Rules) -> dict[str, list[Reason]]:
    """head -> what each finding of further gates comes to in its verdict, in their order."""
    cases = _cases(evaluation, rules)
    shown = shown_faults(cases, evaluation.confidence)
    return {
        case.head: [judge_finding(case, finding, shown) for finding in case.measured.findings]
        for case in cases
        if case.measured
    }


def _cases(evaluation: Evaluation, rules: Rules) -> list[Case]:
    return [Case(head, rule, rules, evaluation) for head, rule in rules.gates.items()]


def shown_faults(cases: Collection[Case], confidence: float) -> set[Key]:
    """All that is shown to be too low, each of three kinds corrected for its number: losses, of heads and of
    what further gates compare; what is below a floor or a limit; what is below a baseline. Of the latter two
    a single one is shown where the whole two-sided interval is below."""
    losses = {
        key: paired.p_worse(comparison, loss, confidence)
        for case in cases
        for key, comparison, loss in case.losses()
    }
    limits = {key: p for case in cases for key, p in case.limits()}
    baselines = {key: p for case in cases for key, p in case.baselines()}
    error = 1 - confidence
    return holm(losses, error) | holm(limits, error / 2) | holm(baselines, error / 2)


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
