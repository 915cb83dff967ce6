"""The whole of params.yaml as types. `components.params` reads the file and checks it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator

from components.settings.columns import Columns
from components.settings.data import Cleaning, Labels, Package, Source, Splits, distinct
from components.settings.mixture import Mixture
from components.settings.monitor import Monitor
from components.settings.remotes import Remote
from components.settings.search import Search
from components.settings.section import Fraction, Positive, Section
from components.settings.training import Training


class Gate(Section):
    """What a task must reach before a release: floor and margin are in units of the metric."""

    metric: str
    floor: float
    margin: Annotated[float, Field(gt=0)] = 0.02


class Annotation(Section):
    """What the rows of a task are asked: a family, its columns and options, and the gate of its head."""

    family: str
    columns: Columns
    labels: Labels | None = None  # the closed set; without it, the labels of the training data
    options: dict[str, Any] = {}
    gate: Gate | None = None  # an auxiliary task, which nobody is given an answer of, needs none

    _labels = field_validator("labels")(distinct)


class Task(Section):
    """One task of the mixture: its rows, and what they are asked."""

    family: str
    source: Source
    columns: Columns
    options: dict[str, Any] = {}
    splits: Splits
    cleaning: Cleaning
    max_length: Annotated[int, Field(ge=8)]
    gate: Gate | None = None  # an auxiliary task needs neither this ...
    example: dict[str, Any] = {}  # ... nor this, the question asked of the packaged Bento
    joint: dict[str, Annotation] = {}  # further tasks over the same rows, some of which may lack them

    def annotations(self, name: str) -> dict[str, Annotation]:
        """Everything that the rows are asked, by the name of its head: the task itself comes first."""
        own = Annotation(
            family=self.family,
            columns=self.columns,
            labels=self.source.labels,
            options=self.options,
            gate=self.gate,
        )
        return {name: own, **self.joint}


class Checks(Section):
    """Thresholds of the validation suites."""

    min_rows: Positive = 100
    min_rows_per_class: Positive = 10
    max_characters: Positive = 10_000
    max_damaged_share: Fraction = 0.2


class Model(Section):
    """The shared encoder: a folder with config.json, model.safetensors and tokenizer.json."""

    encoder: str
    dropout: Fraction = 0.1


class Evaluation(Section):
    """Intervals are bootstrap percentile intervals."""

    resamples: Annotated[int, Field(ge=100)] = 1000
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    without_champion: list[str] = []  # tasks that the champion answers, and that changed or went on purpose


class Sharing(Section):
    """Does sharing help? Every task is trained alone too, once with each seed (docs/sharing.md)."""

    seeds: list[Annotated[int, Field(ge=0)]] = []

    @field_validator("seeds")
    @classmethod
    def _some_and_distinct(cls, seeds: list[int]) -> list[int]:
        if not seeds:
            raise ValueError("there is no seed; write `sharing: {}` where tasks are not to be trained alone")
        if len(set(seeds)) != len(seeds):
            raise ValueError("the seeds are not distinct")
        return seeds


class Packaging(Section):
    """The service's name and the limits it holds callers to."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$")]
    max_texts: Positive = 64
    max_characters: Positive = 20_000
    max_body_bytes: Positive = 1_000_000


class Project(Section):
    """The whole of params.yaml."""

    seed: Annotated[int, Field(ge=0)]
    packages: dict[str, Package]
    remotes: dict[str, Remote] = {}
    tasks: Annotated[dict[str, Task], Field(min_length=1)]
    checks: Checks
    mixture: Mixture
    model: Model
    training: Training
    evaluation: Evaluation
    sharing: Sharing = Sharing()
    packaging: Packaging
    logging: list[str] = []  # who else watches training: docs/watching.md
    search: dict[str, Search] = {}
    monitor: Monitor | None = None  # a watch over new articles: docs/monitoring.md

    def heads(self) -> dict[str, tuple[str, Annotation]]:
        """Every head of the model, by its name: (the task whose rows it reads, its annotation)."""
        return {
            head: (name, annotation)
            for name, task in self.tasks.items()
            for head, annotation in task.annotations(name).items()
        }

    def released(self) -> dict[str, Task]:
        """The tasks that a release answers: all but the auxiliary ones."""
        return {name: task for name, task in self.tasks.items() if name not in self.mixture.auxiliary}

    def gates(self) -> dict[str, Gate]:
        """The gate of every head that a release answers."""
        return {
            head: annotation.gate
            for head, (name, annotation) in self.heads().items()
            if name in self.released() and annotation.gate is not None
        }
