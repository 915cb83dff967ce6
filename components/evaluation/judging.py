"""What the gate says of one head: each check gives an outcome and a sentence, and the worst outcome counts.

A head passes when all bounds hold. It is rejected where the evidence shows a fault: below the floor or the
trivial baseline with confidence, or a loss that is shown. What lies between is held, with how many more test
rows would tell. What is missing or not a number is held.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from components.evaluation import compared, eased, linear, paired
from components.evaluation.case import ANCHOR, CHAMPION, FLOOR, Case, Key, limit_of, name_of
from components.evaluation.difference import Interval
from components.evaluation.records import Comparison, Finding, GateOutcome, MetricEvidence

MEANT = "where that is meant, name it in evaluation.without_champion"
STRICTNESS: tuple[GateOutcome, ...] = ("pass", "hold", "reject")  # the least strict first
CHANCE = "which may be chance among all that must be kept"
Reason = tuple[GateOutcome, str]


def judge(case: Case, shown: Collection[Key]) -> Reason:
    """The outcome, and the sentences of that strictness; `shown` is what is shown to be too low."""
    if case.evidence is None:
        return "hold", f"no {case.rule.metric} was measured"
    if not _finite(case.evidence.value, *case.evidence.interval, *_over_baselines(case, case.evidence)):
        return "hold", f"{case.rule.metric} or its interval is not a number"
    found = [_floor(case, case.evidence, shown), *_baselines(case, case.evidence, shown)]
    found += _compared(case, shown)
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


def _floor(case: Case, evidence: MetricEvidence, shown: Collection[Key]) -> Reason:
    floor = case.rule.floor
    if evidence.value >= floor:
        return "pass", ""
    below, high = f"{_value(case)} is below the floor {floor:.3f}", evidence.interval[1]
    if (case.head, FLOOR) in shown:
        return "reject", f"{below}, with confidence (at most {high:.3f})"
    chance = f"which may be chance (up to {high:.3f})" if high >= floor else CHANCE
    return "hold", f"{below}, {chance}; {_more_rows(None)}"


def _over_baselines(case: Case, evidence: MetricEvidence) -> Interval:
    """The ends of the intervals over those that it must be clear of."""
    return [end for _, _, over in case.to_beat(evidence) for end in over]


def _baselines(case: Case, evidence: MetricEvidence, shown: Collection[Key]) -> Iterator[Reason]:
    """Clear of each that it must be clear of."""
    for name, baseline, over in case.to_beat(evidence):
        yield _clear_of(case, name, evidence.value - baseline, baseline, over, shown)


def _clear_of(
    case: Case, name: str, ahead: float, baseline: float, over: Interval, shown: Collection[Key]
) -> Reason:
    if over[0] > 0:
        return "pass", ""
    if (case.head, name) in shown:
        return "reject", f"{_value(case)} is below the {name} {baseline:.3f}, with confidence"
    needed = paired.rows_needed(ahead - over[0], ahead, _rows(case, None))
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
    name = name_of(finding)
    if not _finite(finding.value, *(finding.interval or ())):
        return "hold", f"{name}: its value or its interval is not a number"
    if case.is_meant(finding):
        return "pass", f"{name}: not judged, as evaluation.without_champion says"
    found = [_kept(case, finding, shown)]
    if finding.champion and finding.margin is not None:
        found.append(_finding_against(case, finding, finding.champion, finding.margin, shown))
    return max(found, key=lambda reason: STRICTNESS.index(reason[0]))


def _kept(case: Case, finding: Finding, shown: Collection[Key]) -> Reason:
    """By its limit alone. One of many that must be kept is missed by chance: that holds, and no more."""
    why = f"{name_of(finding)}: {finding.why}" if finding.why else ""
    asked, is_shown = finding.limit is not None, (case.head, limit_of(finding)) in shown
    if finding.outcome == "reject" and asked and not is_shown:
        return "hold", f"{why}, {CHANCE}"
    return finding.outcome, why


def _finding_against(
    case: Case, finding: Finding, other: Comparison, margin: float, shown: Collection[Key]
) -> Reason:
    name, low = name_of(finding), paired.lower_bound(other)
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


def _rows(case: Case, other: Comparison | None) -> int:
    """Test rows that a comparison stands on."""
    if other and other.rows is not None:
        return other.rows
    return case.measured.rows.get("test", 0) if case.measured else 0


def _value(case: Case) -> str:
    return f"{case.rule.metric} {case.evidence.value:.3f}" if case.evidence else case.rule.metric


def _interval(interval: Interval) -> str:
    low, high = interval
    return f"[{low:+.3f}, {high:+.3f}]"


def _finite(*numbers: float) -> bool:
    return all(map(math.isfinite, numbers))
