"""A head before the gate: what was measured of it beside what is asked, and every test that may reject it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from components.evaluation import paired
from components.evaluation.difference import Interval
from components.evaluation.records import (
    RELABELLED,
    AnchorEvidence,
    ChampionEvidence,
    Comparison,
    Evaluation,
    Finding,
    GateRule,
    HeadEvidence,
    MetricEvidence,
    Rules,
)

CHAMPION, ANCHOR = "the champion", "its anchor"  # whom a comparison is with, beside the names of findings
FLOOR, TRIVIAL, LINEAR = "its floor", "trivial", "linear"  # what else a head must not be below
Key = tuple[str, str]  # head, and whom or what it is held against


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
                yield (self.head, name_of(finding)), finding.champion, too_large

    def limits(self) -> Iterator[tuple[Key, float]]:
        """The p-value of every number that must keep a floor or a limit: small where it is shown not to."""
        confidence = self.evaluation.confidence
        if self.evidence:
            value, interval = self.evidence.value, self.evidence.interval
            yield (self.head, FLOOR), paired.p_below(value, interval, self.rule.floor, confidence)
        for one in self.measured.findings if self.measured else []:
            if one.limit is not None and one.interval is not None:
                p = paired.p_below(one.value, one.interval, one.limit, confidence)
                yield (self.head, limit_of(one)), p

    def baselines(self) -> Iterator[tuple[Key, float]]:
        """The p-value of every baseline that it must be clear of: small where it is shown to be below."""
        if self.evidence is None:
            return
        for name, baseline, over in self.to_beat(self.evidence):
            ahead = self.evidence.value - baseline
            yield (self.head, name), paired.p_below(ahead, over, 0.0, self.evaluation.confidence)

    def to_beat(self, evidence: MetricEvidence) -> Iterator[tuple[str, float, Interval]]:
        """The trivial baseline, the linear one where the settings insist: its name, its value, and the
        interval of the difference to it."""
        yield TRIVIAL, evidence.trivial, evidence.over_trivial
        if self.rule.beat_linear:
            yield LINEAR, evidence.linear, evidence.over_linear

    def _too_large(self, other: Comparison, margin: float) -> float:
        """The loss that must be shown to be exceeded: a share of the margin, for two equal trainings differ
        by a little; none where the estimate lies beyond the whole margin, for they do not by so much."""
        return 0.0 if other.difference <= -margin else self.rules.shown_loss * margin


def name_of(finding: Finding) -> str:
    """What it is called beside the other comparisons of its head."""
    return f"{finding.gate}, {finding.what}"


def limit_of(finding: Finding) -> str:
    """What its limit is called among all that its head must keep."""
    return f"the limit of {name_of(finding)}"


def _below_trivial(other: Comparison | None) -> bool:
    return bool(other and other.over_trivial and other.over_trivial[1] < 0)
