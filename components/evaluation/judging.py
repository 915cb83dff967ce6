"""What the gate says of one head: each check gives an outcome and a sentence, and the worst outcome counts.

A head passes when all bounds hold. It is rejected where the evidence shows a fault: below the floor or the
trivial baseline with confidence, or a loss that is shown. What lies between is held, with how many more test
rows would tell. What is missing or not a number is held.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from components.evaluation import compared, eased, linear, paired
from components.evaluation.difference import Interval
from components.evaluation.records import (
    RELABELLED,
    AnchorEvidence,
    ChampionEvidence,
    Comparison,
    Evaluation,
    Finding,
    GateOutcome,
    GateRule,
    HeadEvidence,
    MetricEvidence,
    Rules,
)

MEANT = "where that is meant, name it in evaluation.without_champion"
STRICTNESS: tuple[GateOutcome, ...] = ("pass", "hold", "reject")  # the least strict first
CHAMPION, ANCHOR = "the champion", "its anchor"  # whom a comparison is with, beside the names of findings
Reason = tuple[GateOutcome, str]
Key = tuple[str, str]  # head, and whom or what is compared


@dataclass(frozen=True)
class Case:
    """A head before the gate: its rule, what was measured of it, and what it is to champion and anchor."""

    head: str
    rule: GateRule
    rules: Rules
    evaluation: Evaluation

    @property
    def measured(self) -> HeadEvidence | None:
        return self.evaluation.tasks.get(self.head)

    @property
    def evidence(self) -> MetricEvidence | None:
        """The gate's metric."""
        return self.measured.metrics.get(self.rule.metric) if self.measured else None

    @property
    def champion(self) -> ChampionEvidence | None:
        """None before the first release."""
        return self.evaluation.champion

    @property
    def meant(self) -> bool:
        """Need it not be compared?"""
        return self.head in self.rules.without_champion

    @property
    def anchor(self) -> AnchorEvidence | None:
        """None where it has none yet."""
        return self.evaluation.anchors.get(self.head)

    @property
    def anchor_margin(self) -> float:
        return (self.rule.anchor_margin or self.rules.anchor_margin) * self.rule.margin

    @property
    def other_question(self) -> bool:
        """Does it seem to mean something else now? A model that was released for being better than the
        trivial one is worse today."""
        return bool(self.evidence and _below_trivial(self.evidence.champion))

    @property
    def against_anchor(self) -> Comparison | None:
        """None where that says nothing: it was not compared, or its task seems to mean something else now."""
        if self.evidence is None:
            return None
        found = self.evidence.champion if self.is_anchored_to_champion else self.evidence.anchor
        return None if _below_trivial(found) else found

    @property
    def is_anchored_to_champion(self) -> bool:
        """Then both are one comparison."""
        return bool(self.anchor and self.champion and self.anchor.identity == self.champion.identity)

    def is_meant(self, finding: Finding) -> bool:
        """Have labels that seem to stand for those of before another meaning, on purpose?"""
        return finding.gate == RELABELLED and self.meant

    def losses(self) -> Iterator[tuple[Key, Comparison, float]]:
        """Every comparison that may reject, and the loss beyond which it does."""
        if self.evidence and self.evidence.champion:
            known = self.evidence.champion
            yield (self.head, CHAMPION), known, self._too_large(known, self.rule.margin)
        if self.against_anchor and not self.is_anchored_to_champion:
            yield (self.head, ANCHOR), self.against_anchor, self.anchor_margin
        for finding in self.measured.findings if self.measured else []:
            if finding.champion and finding.margin is not None and not self.is_meant(finding):
                too_large = self._too_large(finding.champion, finding.margin)
                yield (self.head, _name(finding)), finding.champion, too_large

    def _too_large(self, other: Comparison, margin: float) -> float:
        """The loss that must be shown to be exceeded: a share of the margin, for two equal trainings differ
        by a little; none where the estimate lies beyond the whole margin, for they do not by so much."""
        return 0.0 if other.difference <= -margin else self.rules.shown_loss * margin


def judge(case: Case, shown: Collection[Key]) -> Reason:
    """The outcome, and the sentences of that strictness; `shown` are the losses that are shown."""
    if case.evidence is None:
        return "hold", f"no {case.rule.metric} was measured"
    if not _finite(case.evidence.value, *case.evidence.interval, *_over_baselines(case, case.evidence)):
        return "hold", f"{case.rule.metric} or its interval is not a number"
    found = [_floor(case, case.evidence), *_baselines(case, case.evidence), *_compared(case, shown)]
    found += [
        judge_finding(case, finding, shown) for finding in (case.measured.findings if case.measured else [])
    ]
    worst = max((outcome for outcome, _ in found), key=STRICTNESS.index)
    if worst == "pass":
        above = f"{_value(case)} is above the floor {case.rule.floor:.3f}"
        return "pass", "; ".join([above, *(why for _, why in found if why)])
    return worst, "; ".join(why for outcome, why in found if outcome == worst)


def warnings(case: Case) -> list[str]:
    """What is wrong though it may pass, and what to try."""
    if case.evidence is None or case.measured is None:
        return []
    found = [linear.finding(case.rule.metric, case.evidence, case.measured)]
    if case.champion:
        found.append(compared.left_out(case.champion.release, case.evidence.champion, case.measured))
        found.append(eased.finding(case.head, case.champion, case.rules, case.evaluation.confidence))
    return [sentence for sentence in found if sentence]


def remarks(case: Case) -> list[str]:
    """What does not decide, and is to be known."""
    evidence = case.evidence
    if evidence is None:
        return []
    found = []
    if case.champion and evidence.champion:
        found += compared.since(case.champion.release, evidence.champion.since)
    if case.champion and case.anchor and not case.is_anchored_to_champion:
        if evidence.anchor:
            found += compared.since(case.anchor.release, evidence.anchor.since)
        if case.against_anchor is None:
            why = case.anchor.not_compared or "its task seems to mean something else now"
            found.append(f"its anchor, release {case.anchor.release}, is no longer compared: {why}")
    return found


def _floor(case: Case, evidence: MetricEvidence) -> Reason:
    floor = case.rule.floor
    if evidence.value >= floor:
        return "pass", ""
    below = f"{_value(case)} is below the floor {floor:.3f}"
    if evidence.interval[1] < floor:
        return "reject", f"{below}, with confidence (at most {evidence.interval[1]:.3f})"
    return "hold", f"{below}, which may be chance (up to {evidence.interval[1]:.3f}); {_more_rows(None)}"


def _over_baselines(case: Case, evidence: MetricEvidence) -> Interval:
    """The ends of the intervals over those that it must be clear of."""
    return [*evidence.over_trivial, *(evidence.over_linear if case.rule.beat_linear else [])]


def _baselines(case: Case, evidence: MetricEvidence) -> Iterator[Reason]:
    """Clear of the trivial one; of the linear one where the settings insist."""
    yield _clear_of(case, "trivial", evidence.value, evidence.trivial, evidence.over_trivial)
    if case.rule.beat_linear:
        yield _clear_of(case, "linear", evidence.value, evidence.linear, evidence.over_linear)


def _clear_of(case: Case, name: str, value: float, baseline: float, over: Interval) -> Reason:
    low, high = over
    if low > 0:
        return "pass", ""
    if high < 0:
        return "reject", f"{_value(case)} is below the {name} {baseline:.3f}, with confidence"
    ahead = value - baseline
    needed = paired.rows_needed(ahead - low, ahead, _rows(case, None))
    said = f"{_value(case)} does not exclude the {name} {baseline:.3f}"
    return "hold", f"{said}: {ahead:+.3f} {_interval(over)}; {_more_rows(needed)}"


def _compared(case: Case, shown: Collection[Key]) -> list[Reason]:
    """With champion and anchor; a new head passes, one that the champion answers must be comparable."""
    if case.evidence is None or case.evidence.champion is None:
        return [_alone(case)]
    found = [_against(case, case.evidence.champion, CHAMPION, case.rule.margin, shown)]
    if case.other_question and not case.meant:
        found.append(("hold", _other_question(case, case.evidence.champion)))
    return [*found, *_anchored(case, case.evidence, shown)]


def _anchored(case: Case, evidence: MetricEvidence, shown: Collection[Key]) -> list[Reason]:
    """With the anchor, where that says more than the comparison with the champion."""
    if case.anchor is None:
        return []
    if case.is_anchored_to_champion and case.anchor_margin >= case.rule.margin:
        return []
    if case.against_anchor:
        return [_against(case, case.against_anchor, ANCHOR, case.anchor_margin, shown)]
    silent = evidence.anchor is None and not case.anchor.not_compared
    return [("hold", f"its anchor, release {case.anchor.release}, was not measured")] if silent else []


def _alone(case: Case) -> Reason:
    if case.champion is None:
        return "pass", "no champion to compare with"
    if case.head not in case.champion.heads:
        return "pass", "new, the champion does not answer it"
    why = case.champion.not_compared.get(case.head, "it was not measured")
    if case.meant:
        return "pass", f"not compared, as evaluation.without_champion says ({why})"
    return "hold", f"it cannot be compared with the champion: {why}; {MEANT}"


def _against(case: Case, other: Comparison, whom: str, margin: float, shown: Collection[Key]) -> Reason:
    """Non-inferiority first: within the margin it passes, whatever else may be shown."""
    low = _bound(case, other, whom)
    if not _finite(other.difference, low, *other.interval):
        return "hold", f"the difference to {whom} is not a number"
    named = f"{whom}, release {case.anchor.release}" if whom == ANCHOR and case.anchor else whom
    change = f"{other.difference:+.3f} {_interval(other.interval)}, at least {low:+.3f}"
    if other.changed:
        change += f", on {other.rows} test rows that both can answer ({other.changed})"
    if low > -margin:
        return "pass", f"within the margin {margin:.3f} of {named}: {change}"
    metric = case.rule.metric
    if (case.head, whom) in shown:
        return "reject", f"{metric} lost significantly against {named}: {change}"
    held = f"a loss of {metric} beyond the margin {margin:.3f} against {named} cannot be excluded: {change}"
    return "hold", f"{held}; {_what_would_tell(case, other, low, margin)}"


def anchor_level(confidence: float) -> float:
    """Of the bound against an anchor, one-sided: a fifth of the champion's error. An anchor is asked at each
    retrain until it moves, and one of many lucky ones is enough to get past it (docs/decisions/0058)."""
    return 1 - (1 - confidence) / 5


def _bound(case: Case, other: Comparison, whom: str) -> float:
    """Below this the difference is not."""
    if whom != ANCHOR:
        return paired.lower_bound(other)
    confidence = case.evaluation.confidence
    return paired.bound(other, anchor_level(confidence), confidence)


def _what_would_tell(case: Case, other: Comparison, low: float, margin: float) -> str:
    rows, distance = _rows(case, other), other.difference + margin
    needed = paired.rows_needed(other.difference - low, distance, rows)
    if other.discordant is None or other.discordant >= paired.FEW:
        return _more_rows(needed)
    few = f"{other.discordant} of {rows:,} test rows are answered differently, too few to tell"
    return f"this test set cannot decide ({few}); {_more_rows(needed)}"


def _more_rows(needed: int | None) -> str:
    if needed is None:
        return "no number of test rows would let it pass while the estimate stays where it is"
    return f"about {needed:,} more test rows would decide, if the estimate stays where it is"


def _other_question(case: Case, champion: Comparison) -> str:
    return (
        f"the champion's {case.rule.metric} is {champion.value:.3f}, below the trivial baseline's: the task "
        f"seems to mean something else now (labels or outcomes swapped, another scale?), so that beating the "
        f"champion says nothing; {MEANT}"
    )


def judge_finding(case: Case, finding: Finding, shown: Collection[Key]) -> Reason:
    """What a further gate has found: its own outcome, and the comparison where it has a margin."""
    name = _name(finding)
    if not _finite(finding.value, *finding.interval):
        return "hold", f"{name}: its value or its interval is not a number"
    if case.is_meant(finding):
        return "pass", f"{name}: not judged, as evaluation.without_champion says"
    found: list[Reason] = [(finding.outcome, f"{name}: {finding.why}" if finding.why else "")]
    if finding.champion and finding.margin is not None:
        found.append(_finding_against(case, finding, finding.champion, finding.margin, shown))
    return max(found, key=lambda reason: STRICTNESS.index(reason[0]))


def _finding_against(
    case: Case, finding: Finding, other: Comparison, margin: float, shown: Collection[Key]
) -> Reason:
    name, low = _name(finding), paired.lower_bound(other)
    if not _finite(other.difference, low, *other.interval):
        return "hold", f"{name}: the difference to the champion is not a number"
    if low > -margin:
        return "pass", ""
    change = f"{other.difference:+.3f} {_interval(other.interval)}, at least {low:+.3f}"
    if (case.head, name) in shown:
        return "reject", f"{name} lost significantly against the champion: {change}"
    rows = other.rows if other.rows is not None else finding.rows
    needed = paired.rows_needed(other.difference - low, other.difference + margin, rows)
    held = f"{name}: a loss beyond the margin {margin:.3f} against the champion cannot be excluded: {change}"
    return "hold", f"{held}; {_more_rows(needed)}"


def _below_trivial(other: Comparison | None) -> bool:
    return bool(other and other.over_trivial and other.over_trivial[1] < 0)


def _rows(case: Case, other: Comparison | None) -> int:
    """Test rows that a comparison stands on."""
    if other and other.rows is not None:
        return other.rows
    return case.measured.rows.get("test", 0) if case.measured else 0


def _name(finding: Finding) -> str:
    return f"{finding.gate}, {finding.what}"


def _value(case: Case) -> str:
    return f"{case.rule.metric} {case.evidence.value:.3f}" if case.evidence else case.rule.metric


def _interval(interval: Interval) -> str:
    low, high = interval
    return f"[{low:+.3f}, {high:+.3f}]"


def _finite(*numbers: float) -> bool:
    return all(map(math.isfinite, numbers))
