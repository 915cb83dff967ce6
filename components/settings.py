"""params.yaml -> typed, validated settings.

Every stage reads the `params.yaml` of the folder it runs in, so a copy of the project with other
tasks is another pipeline. Nothing heavy is imported here: a mistake is answered in a fraction of a
second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, field_validator

from components import complaints, consistency
from components.data.columns import Columns
from components.data.declared import Cleaning, Labels, Package, Source, Splits, distinct
from components.data.mixing.declared import Mixture
from components.data.remotes.declared import Remote
from components.errors import UserError
from components.monitoring.declared import Monitor
from components.search.declared import Search
from components.section import Fraction, Positive, Section
from components.training.declared import Training

PARAMS = Path("params.yaml")


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


class Sharing(Section):
    """Does sharing help? Every task is trained alone too, once with each seed (docs/sharing.md)."""

    seeds: list[Annotated[int, Field(ge=0)]] = []

    @field_validator("seeds")
    @classmethod
    def _some_anddistinct(cls, seeds: list[int]) -> list[int]:
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


def load(path: Path = PARAMS) -> Project:
    """Read and validate params.yaml.

    Raises:
        UserError: one sentence naming the file, the key, what was found and what was expected.
    """
    return validated(_parse(path), path)


def validated(raw: dict[str, Any], path: Path) -> Project:
    """The settings that `raw` holds, which is what `path` says.

    Raises:
        UserError: one sentence naming the file, the key, what was found and what was expected.
    """
    try:
        project = Project.model_validate(raw)
    except ValidationError as error:
        # A misspelt key is also a missing one; the misspelling says more.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        raise UserError(f"{path}: {complaints.sentence(first, Project)}") from None
    consistency.check(path, project)
    return project


def _parse(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path.absolute()}: no such file; run from the project's folder") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else "somewhere"
        problem = str(error.problem)
        if "\\t" in problem:
            problem = "found a tab; YAML is indented with spaces"
        raise UserError(f"{path}: {line}: {problem}") from None
    if not isinstance(raw, dict):
        raise UserError(
            f"{path}: expected keys such as tasks, mixture and training, found {type(raw).__name__}"
        )
    return raw
