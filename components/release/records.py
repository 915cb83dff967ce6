"""What is written down of a bundle and of the registry of releases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.data.contract.beginning import Beginning
from components.evaluation.difference import Interval
from components.evaluation.records import (
    Champion,
    Finding,
    GateOutcome,
    HeadParity,
    MetricEvidence,
    ModelId,
    Outcome,
    TaskVerdict,
)
from components.records import Part, Record
from components.settings.release import Card
from components.settings.section import Given

RUNTIMES = "runtimes.json"  # of a bundle: what was measured of runtimes, where any was asked for


class ReleasedTask(Part):
    """A head of a release: what callers may rely on, and how good it is by its gate's metric."""

    family: str  # what kind of task it is
    inputs: list[str]  # the fields of a question
    labels: list[str] | None  # that it answers with, where they are a closed set
    metric: str | None = None  # of its gate; null where the gate did not measure it, like what follows
    value: float | None = None  # on its test rows
    interval: Interval | None = None  # of the value: low end, high end
    difference: float | None = None  # to the champion of then; null where it was not compared
    difference_interval: Interval | None = None  # of that difference

    @classmethod
    def of(
        cls, packed: PackedTask, metric: str | None, measured: MetricEvidence | TaskVerdict | None
    ) -> ReleasedTask:
        """A head of a bundle, with what was measured of it by the metric of its gate."""
        known = cls(family=packed.family, inputs=packed.inputs, labels=packed.labels)
        if measured is None:
            return known
        found = {"metric": metric, "value": measured.value, "interval": measured.interval}
        if measured.champion:
            found |= {
                "difference": measured.champion.difference,
                "difference_interval": measured.champion.interval,
            }
        return known.model_copy(update=found)


class ReleaseRecord(Record):
    """release.json in the commit of a release: what was released."""

    remedy = "it is of another version of Onetrunk: `pip install` the newer one"

    version: str  # semantic: v1.2.0
    name: str  # of the service
    # digest of the bundle's card, which the Bento calls its version; a folder is called by it, so no path
    bundle: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    bento: Annotated[str, Field(pattern="^[0-9a-f]{32}\\.dir$")]  # DVC's hash of the Bento's folder
    model: str  # SHA-256 of its weights
    manifest: str  # SHA-256 of the manifest of its folder, and so of every byte
    verdict: Outcome  # of the gate
    forced: str | None = None  # why it was released all the same, where the gate did not say PROMOTE
    because: str | None = None  # the requests that its run answers, whoever started it; null without one
    against: Champion | None  # the release that it was compared with
    beginning: Beginning | None = None  # what its training began with; null in a record of before
    anchors: dict[str, str]  # head -> the version that a slow decay is measured from, from now on
    tasks: dict[str, ReleasedTask]  # by head
    data: dict[str, dict[str, str]]  # SHA-256 of the rows of each task, by split
    commit: str | None  # that the project stood on; null on a branch without one
    date: str  # ISO 8601, UTC
    who: str  # has released it

    @property
    def judged(self) -> str:
        """The verdict, and why it was released all the same where it was not PROMOTE."""
        return _judged(self.verdict, self.forced)

    @property
    def identity(self) -> Champion:
        """Which release it is."""
        return Champion(release=self.version, model=self.model, manifest=self.manifest)


class Release(Part):
    """A Bento in a registry of an earlier version."""

    release: str  # its version, and the name of its folder
    model: str  # SHA-256 of its weights
    anchors: dict[str, str] = Field(default_factory=dict)  # the release that each head is anchored to since


class ReleaseIndex(Record):
    """releases/index.json of an earlier version: every release, oldest first."""

    remedy = "put it back from a copy"
    releases: list[Release]  # the last is the newest


class Served(Record):
    """releases/champion.json of an earlier version: what is to be served."""

    unversioned = True
    remedy = "put it back from a copy, or release again with `onetrunk run`"

    release: str  # its version


class PackedModel(ModelId):
    """The model of a bundle."""

    files: dict[str, str]  # its files, and the SHA-256 of each


class Code(Part):
    """The code that serves a bundle."""

    sha256: str  # over the names and the bytes of its files


class Limits(Part):
    """What the service holds callers to, in a request."""

    max_texts: int  # at once
    max_characters: int  # of a text
    max_body_bytes: int  # of its JSON
    max_wait_seconds: float = 5.0  # for the model
    max_requests_per_client: int = 100  # in progress


class Origin(Part):
    """Where rows or an encoder are from, without a path or an address of its owner's machines."""

    kind: Literal["files", "package", "url", "sql", "huggingface", "dvc"]  # files: the project's own
    name: str | None = None  # of a package's file, of a repository of the hub, or of the remote
    revision: str | None = None  # of the hub or of DVC
    sha256: str | None = None  # of a package's file


class Origins(Part):
    """What a release was made from, as params.yaml says it."""

    encoder: Origin | None = None  # that training began with
    tasks: dict[str, Origin] = Field(default_factory=dict)  # the rows of each task


class PackedTask(Part):
    """What a caller may know of a head."""

    family: str  # what kind of task it is
    labels: list[str] | None  # that it answers with, where they are a closed set
    inputs: list[str]  # the fields of a question
    max_length: int  # in tokens
    gate: GateOutcome  # what the gate said
    rows: dict[str, int]  # by split
    share: float  # of the mixture
    metrics: dict[str, MetricEvidence]  # on its test rows, by name
    task: str | None = None  # whose rows it reads; none in a card of before, like what follows
    findings: list[Finding] = Field(default_factory=list)  # of further gates
    example: Given = Field(default_factory=dict)  # a question to it


class RuntimeEvidence(Part):
    """What was measured of a runtime; nothing where this machine does not have it."""

    lone_seconds: float | None = None  # of the encoder for a text alone
    pass_seconds: float | None = None  # for up to 512 tokens of several texts
    faster: float | None = None  # times eager: the geometric mean of both
    bytes: int = 0  # of its files, beside the model's
    difference: float | None = None  # largest of a state to eager's, as a share of the largest state
    heads: dict[str, HeadParity] | None = None  # by head; null where its answers were not asked
    why: str | None = None  # it is not shipped


class RuntimeReport(Record):
    """src/bundle/runtimes.json: how fast each runtime was where the Bento was built, and how good."""

    remedy = "the Bento was altered: make it anew with `onetrunk run`"

    wanted: str  # by the settings: a runtime, or auto
    chosen: str  # that is shipped
    most_difference: float  # that a state may have to eager's where it is served
    processor: str  # of the machine
    threads: int  # of the encoder
    confidence: float  # of every interval
    eager: RuntimeEvidence  # torch in fp32
    runtimes: dict[str, RuntimeEvidence]  # the others, by name


class BundleCard(Record):
    """src/bundle/card.json: what a Bento is, and what it was made from."""

    remedy = "the Bento is of another version of Onetrunk, or was altered: make it anew with `onetrunk run`"

    name: str  # of the service
    version: str  # digest of the rest
    model: PackedModel  # its weights and files
    data: dict[str, dict[str, str]]  # SHA-256 of the rows of each task, by split
    code: Code  # that serves it
    commit: str | None  # of the project; null outside a git repository
    verdict: Outcome  # that it was packed on
    forced: str | None = None  # why it was packed all the same, where the gate did not say PROMOTE
    limits: Limits  # of a request
    tasks: dict[str, PackedTask]  # by head
    findings: list[Finding] = Field(default_factory=list)  # of further gates, of the model as a whole
    evidence: dict[str, str] = Field(default_factory=dict)  # SHA-256 of verdict and runtimes
    confidence: float | None = None  # of every interval; none in a card of before
    champion: Champion | None = None  # that it was compared with
    origins: Origins = Origins()  # of its encoder and its rows
    beginning: Beginning | None = None  # what its training began with; null in a card of before
    stated: Card = Card()  # what its owner says of it
    runtime: str = "eager"  # that computes the encoder's states where the machine can
    signer: str | None = None  # SHA-256 of the public key's file; null where it is not signed

    @property
    def judged(self) -> str:
        """The verdict, and why it was packed all the same where it was not PROMOTE."""
        return _judged(self.verdict, self.forced)


def _judged(verdict: Outcome, forced: str | None) -> str:
    return verdict if forced is None else f"{verdict}, forced: {forced}"
