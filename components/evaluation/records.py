"""What evaluation and gate write down, and read of each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from components.evaluation.difference import Difference, Interval
from components.evaluation.picture_records import (
    ClassScore,
    Confusion,
    Curve,
    Example,
    LengthBin,
    ReliabilityBin,
)
from components.records import Part, Record
from components.settings.section import Given

CHAMPION = Path("reports/champion.json")
EVALUATION = Path("reports/evaluation.json")
METRICS = Path("reports/metrics.json")  # the values alone: {head: {metric: value}}, for `dvc metrics`
VERDICT = Path("reports/verdict.json")
RELEASE = Path("reports/release.json")
SUMMARY = Path("reports/summary.json")

RELABELLED = "labels"  # beside the names of further gates: what labels that have changed come to

Outcome = Literal["PROMOTE", "HOLD", "REJECT"]
GateOutcome = Literal["pass", "hold", "reject"]
Confidence = Annotated[float, Field(gt=0, lt=1)]


class Champion(Part):
    """The release that a candidate is compared with."""

    release: str  # its version
    model: str  # SHA-256 of its weights
    manifest: str  # SHA-256 of the manifest of its folder, and so of every byte

    @property
    def identity(self) -> Champion:
        """Which release it is."""
        return Champion(release=self.release, model=self.model, manifest=self.manifest)


class ChampionReport(Record):
    """reports/champion.json: what the candidate is to be compared with; null before the first release."""

    champion: Champion | None  # null before the first release
    rolled_back: str | None = None  # the version under which this very model was released, and rolled back
    anchors: dict[str, Champion] = Field(default_factory=dict)  # the release that each head is anchored to
    # what further gates read besides the tasks' rows: path -> SHA-256, empty where there is nothing
    files: dict[str, str] = Field(default_factory=dict)


class ModelId(Part):
    """A model."""

    sha256: str  # of its weights


class GateRule(Part):
    """What a head must reach before a release."""

    metric: str  # of the gate
    floor: float  # the least that a release must reach
    margin: float  # a loss that is allowed against the champion
    anchor_margin: float | None = None  # of the margin, against the anchor; null: that of all heads
    beat_linear: bool = False  # must it be clear of the linear baseline, too?


class Bar(Part):
    """What a release had to reach."""

    gates: dict[str, GateRule]  # by head, as it is called today
    confidence: Confidence  # of every interval
    anchor_margin: float  # of the margin; a loss that is allowed against the anchor, where a head has no own
    further: list[str]  # the further gates
    # what each of these asked, by its name and the setting's; empty in a file of before
    asked: dict[str, Given] = Field(default_factory=dict)


class ChampionEvidence(Champion):
    """The champion as it was measured."""

    heads: list[str]  # that it answers
    not_compared: dict[str, str]  # of those that the candidate has as well: why not
    bar: Bar | None = (
        None  # that it was held to; null where its release does not say, and in a file of before
    )


class AnchorEvidence(Champion):
    """The release that a head is anchored to, as it was measured."""

    not_compared: str | None = None  # why not, where it was not


class RowsSince(Part):
    """Today's rows beside those of a release."""

    come: int  # test rows that its test set had not
    gone: int  # of its test set, that are no longer there
    trained_on: int  # test rows whose text stands in its training data; these are not compared
    learnt_come: int | None = (
        None  # training texts that it had not; null of an annotation beside the task's own
    )
    learnt_gone: int | None = None  # of its training texts, that are no longer there; likewise


class Comparison(Part):
    """The champion's, or the anchor's, metric on the same rows."""

    value: float  # of the champion
    difference: float  # the candidate's less the champion's
    interval: Interval  # of the difference
    p: float  # one-sided: of "nothing was lost"
    over_trivial: Interval | None = None  # of the champion's difference to it; none in a file of before
    rows: int | None = None  # test rows that were compared; null in a file of before, where it was all
    changed: str | None = None  # what has changed between the two, where they are compared all the same
    low: float | None = None  # one-sided lower bound of the difference; none in a file of before
    se: float | None = None  # standard error of the difference; none in a file of before
    discordant: int | None = None  # rows that the two answer differently, by this metric
    counted: Difference | None = None  # what every bound and p follows from; none in a file of before
    since: RowsSince | None = None  # of the test rows; null where the release does not know its own


class MetricEvidence(Part):
    """A metric of a head on its test rows; more is better."""

    value: float  # of the candidate
    interval: Interval  # of that value: low end, high end
    trivial: float  # of the majority or the mean
    linear: float  # of the best linear model
    over_trivial: Interval  # of the difference to it
    over_linear: Interval  # likewise
    champion: Comparison | None  # null where it was not compared
    anchor: Comparison | None = None  # to the release that its head is anchored to; likewise


class Finding(Part):
    """What a further gate of `evaluation.gates` has measured of a head, or of a part of its test rows."""

    gate: str  # its name there
    what: str  # that was measured, for people: "language = de", "typos"
    rows: int  # that it was measured on
    value: float  # of the candidate
    interval: Interval | None  # of that value; null where nothing tells of one, as of a single seed
    limit: float | None = None  # that the value must keep; null where it is only compared
    champion: Comparison | None = None  # on the same rows; null where it is not compared
    margin: float | None = None  # a loss that is allowed against the champion
    outcome: GateOutcome = "pass"  # by the limit alone; the verdict judges the comparison
    why: str = ""  # in one sentence, where it is not `pass`
    bins: list[ReliabilityBin] = Field(default_factory=list)  # of the gate `calibration`


class HeadEvidence(Part):
    """What was measured of a head."""

    task: str  # whose rows it reads
    family: str  # of the head
    rows: dict[str, int]  # that have its target, by split
    metrics: dict[str, MetricEvidence]  # by name
    classes: list[ClassScore]  # none where the family has none
    share: float  # of its task, in the mixture
    epochs: float | None = None  # passes of the run over its task's rows; null in a file of before
    cut: float | None = None  # share of its task's training rows that max_length cuts; likewise
    findings: list[Finding] = Field(default_factory=list)  # of further gates
    confusions: list[Confusion] = Field(default_factory=list)  # the most frequent first
    curves: list[Curve] = Field(default_factory=list)  # of the classes that are told apart worst
    reliability: list[ReliabilityBin] = Field(default_factory=list)  # are probabilities right? by bins
    lengths: list[LengthBin] = Field(default_factory=list)  # the shortest rows first
    worst: list[Example] = Field(default_factory=list)  # the farthest off first
    test_set: str | None = None  # SHA-256 of its task's test rows; null in a file of before


class Evaluation(Record):
    """reports/evaluation.json: the evidence."""

    model: ModelId  # the candidate
    champion: ChampionEvidence | None  # null for a first release
    confidence: Confidence  # of every interval
    tasks: dict[str, HeadEvidence]  # by head
    findings: list[Finding] = Field(default_factory=list)  # of further gates, of the model as a whole
    anchors: dict[str, AnchorEvidence] = Field(default_factory=dict)  # by head, where it has one
    rolled_back: str | None = None  # the version under which this very model was released, and rolled back


class Rules(Part):
    """The settings that a verdict was made with."""

    gates: dict[str, GateRule]  # by head
    without_champion: list[str] = Field(default_factory=list)  # heads that need not be compared
    shown_loss: float  # of the margin; one that is shown to be larger is rejected
    anchor_margin: float  # of the margin; a loss that is allowed against the anchor, where a head has no own
    further: dict[str, Given] = Field(default_factory=dict)  # the further gates, and their settings


class HeadParity(Part):
    """A head of another way to compute the same model, beside its own answers to the same test rows."""

    metric: str  # of its gate
    eager: float  # its value by the model's own answers
    value: float  # by the other way's
    difference: float  # of the two
    interval: Interval  # of the difference, two-sided
    low: float  # the difference is not below this, one-sided
    margin: float  # that it may lose
    rows: int  # of the test
    discordant: int  # of them, that count otherwise
    passes: bool  # is the loss shown to be within the margin?


class TaskVerdict(Part):
    """What the gate says of a head."""

    metric: str  # of the gate
    floor: float  # below which it is rejected
    margin: float  # a loss that is allowed against the champion
    anchor_margin: float | None = None  # of the margin, against the anchor; null: that of all heads
    beat_linear: bool = False  # must it be clear of the linear baseline, too?
    value: float | None = None  # none where it was not measured, like what follows
    interval: Interval | None = None  # low end, high end
    trivial: float | None = None  # of the majority or the mean
    linear: float | None = None  # of the best linear model
    champion: Comparison | None = None  # null where it was not compared
    anchor: Comparison | None = None  # likewise
    gate: GateOutcome  # what that comes to
    why: str  # in one sentence
    warnings: list[str] = Field(default_factory=list)  # what is wrong though it may pass, and what to try
    remarks: list[str] = Field(default_factory=list)  # sentences that decide nothing, and are to be known


class Verdict(Record):
    """reports/verdict.json: what the gate says, and what of."""

    verdict: Outcome  # of all heads together
    model: ModelId  # that it holds for
    champion: ChampionEvidence | None  # that it was made against
    confidence: Confidence  # of every interval
    tasks: dict[str, TaskVerdict]  # by head
    dropped: dict[str, str]  # heads that the champion alone answers, each with what that means
    of_model: list[str] = Field(default_factory=list)  # why further gates keep the model as a whole back
    withheld: str | None = None  # why the model is held whatever was measured
    evidence: str | None = None  # SHA-256 of the file that it was made from; null makes it none to release by
    rules: Rules | None = None  # the settings in force; likewise
    judged_by: int | None = None  # version of the gate's own rules, which are code; null in a file of before
    # by head, what it is anchored to once this model is released; null: to this model itself
    anchors: dict[str, Champion | None] = Field(default_factory=dict)

    def reasons(self) -> list[str]:
        """Why it is not PROMOTE, a sentence per head."""
        judged = {name: task.why for name, task in self.tasks.items() if task.gate != "pass"}
        found = [*(f"{name}: {why}" for name, why in {**judged, **self.dropped}.items()), *self.of_model]
        return [self.withheld, *found] if self.withheld else found


class KeptBack(Part):
    """Why a model is not released."""

    head: str | None  # null: the model as a whole
    gate: GateOutcome  # what the gate says of it
    why: str  # in a clause

    @property
    def what(self) -> str:
        """What is not good enough, or not known to be."""
        return self.head or "the model as a whole"


def kept_back(verdict: Verdict, evaluation: Evaluation) -> list[KeptBack]:
    """All that keeps a model back, the model as a whole first."""
    withheld = [KeptBack(head=None, gate="hold", why=verdict.withheld)] if verdict.withheld else []
    whole = [
        KeptBack(head=None, gate=finding.outcome, why=f"{finding.gate}: {finding.why}")
        for finding in evaluation.findings
    ]
    judged = [KeptBack(head=name, gate=one.gate, why=one.why) for name, one in verdict.tasks.items()]
    dropped = [KeptBack(head=name, gate="hold", why=why) for name, why in verdict.dropped.items()]
    return [one for one in (*withheld, *whole, *judged, *dropped) if one.gate != "pass"]


class ReleaseReport(Record):
    """reports/release.json: what was released."""

    release: str  # its version
    bundle: str = ""  # digest of its bundle, which the Bento calls its version
    model: str  # SHA-256 of its weights
    verdict: Outcome  # PROMOTE, where it was not forced


class TaskSummary(Part):
    """A head in the summary, by its gate's metric."""

    rows: int  # of all splits
    share: float  # of the mixture
    metric: str  # of its gate
    value: float  # of that metric
    interval: Interval  # low end, high end
    baseline: float  # majority or mean
    linear_baseline: float  # the best linear model
    gate: GateOutcome  # what the gate says
    why: str  # in one sentence
    warnings: list[str] = Field(default_factory=list)  # what is wrong though it may pass, and what to try
    remarks: list[str] = Field(default_factory=list)  # what does not decide, and is to be known
    served: int | None = None  # models that its test set has judged, this one too; null in a file of before


class Summary(Record):
    """reports/summary.json: the outcome of a run in one small file."""

    schema_version: int = 2  # of the file's shape
    verdict: Outcome  # of the gate
    bento: str | None  # its path; none unless this very model was promoted and packaged
    tasks: dict[str, TaskSummary]  # by head
    kept_back: list[KeptBack]  # all that keeps the model back; nothing where it is released


def identity(champion: ChampionEvidence | None) -> Champion | None:
    """Which release an evaluation or a verdict was made against."""
    return champion and champion.identity


def describe(champion: Champion | None) -> str:
    """A champion as a sentence names it."""
    return f"release {champion.release} (model {champion.model[:12]})" if champion else "no release"
