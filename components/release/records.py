"""What is written down of a bundle and of the registry of releases."""

from __future__ import annotations

from components.evaluation.records import GateOutcome, MetricEvidence, ModelId, Outcome
from components.records import Part, Record


class Release(Part):
    """A Bento that was released."""

    release: str  # its version, and the name of its folder
    model: str  # SHA-256 of its weights


class ReleaseIndex(Record):
    """releases/index.json: every release, oldest first."""

    remedy = "put it back from a copy"
    releases: list[Release]


class Served(Record):
    """releases/champion.json: what is to be served."""

    unversioned = True
    remedy = "put it back from a copy, or release again with `onetrunk run`"

    release: str


class PackedModel(ModelId):
    """The model of a bundle."""

    files: dict[str, str]  # its files, and the SHA-256 of each


class Code(Part):
    """The code that serves a bundle."""

    sha256: str  # over the names and the bytes of its files


class Limits(Part):
    """What the service holds callers to, in a request."""

    max_texts: int
    max_characters: int  # of a text
    max_body_bytes: int


class PackedTask(Part):
    """What a caller may know of a head."""

    family: str
    labels: list[str] | None
    inputs: list[str]
    max_length: int  # in tokens
    gate: GateOutcome
    rows: dict[str, int]  # by split
    share: float
    metrics: dict[str, MetricEvidence]


class BundleCard(Record):
    """card.json of a bundle: what it is, and what it was made from."""

    remedy = "the Bento is of another version of Onetrunk, or was altered: make it anew with `onetrunk run`"

    name: str
    version: str  # digest of the rest
    model: PackedModel
    data: dict[str, dict[str, str]]  # SHA-256 of the rows of each task, by split
    code: Code
    commit: str | None
    verdict: Outcome
    limits: Limits
    tasks: dict[str, PackedTask]  # by head
