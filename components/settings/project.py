"""The whole of params.yaml as types. `components.params` reads the file and checks it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator

from components.settings.columns import Columns
from components.settings.compression import Compress
from components.settings.data import Cleaning, Labels, Package, Source, Splits, distinct, raw_labels
from components.settings.feedback import Feedback
from components.settings.mixture import Mixture
from components.settings.monitor import Monitor
from components.settings.release import EAGER, Card, Signing
from components.settings.remotes import Remote
from components.settings.retrain import Retrain
from components.settings.rollout import Rollout
from components.settings.search import Search
from components.settings.section import Bytes, Characters, Fraction, Given, Positive, Rows, Section, Unit
from components.settings.start import Start
from components.settings.traffic import Traffic
from components.settings.training import Training


class Gate(Section):
    """What a task must reach before a release: floor and margin are in units of the metric."""

    metric: str  # one of its family's: docs/reference/families.md
    floor: Annotated[float, Unit("of the metric")]  # the least that a release must reach
    # how far below the champion still counts as no worse
    margin: Annotated[float, Field(gt=0), Unit("of the metric")] = 0.02
    # the same of its anchor: docs/explanation/gate.md; left out, `evaluation.anchor_margin`
    anchor_margin: Annotated[float, Field(gt=0), Unit("of the margin")] | None = None
    # must a release be clear of the linear baseline, as it must of the trivial one?
    beat_linear: bool = False


class Annotation(Section):
    """What the rows of a task are asked: a family, its columns and options, and the gate of its head."""

    family: str  # what kind of question it is: docs/reference/families.md
    columns: Columns  # role -> the column, or the columns, that play it
    labels: Labels | None = None  # the closed set; without it, the labels of the training data
    label_map: dict[str, str] = {}  # raw label -> label, of a joint head; a task's own is `source.label_map`
    options: Given = {}  # the family's own
    gate: Gate | None = None  # what a release must reach; an auxiliary task needs none

    _raw_labels = field_validator("label_map", mode="before")(raw_labels)
    _labels = field_validator("labels")(distinct)


class Task(Section):
    """One task of the mixture: its rows, and what they are asked."""

    family: str  # what kind of question it is: docs/reference/families.md
    source: Source  # where its rows are
    columns: Columns  # role -> the column, or the columns, that play it
    options: Given = {}  # the family's own
    splits: Splits  # the shares of the splits that the source does not give
    cleaning: Cleaning  # what becomes of known faults
    max_length: Annotated[int, Field(ge=8), Unit("tokens")]  # a longer text is cut here
    gate: Gate | None = None  # what a release must reach; an auxiliary task needs none
    example: Given = {}  # the question asked of the packaged Bento; an auxiliary task needs none
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

    min_rows: Rows = 100  # fewer rows in a split are an error
    min_rows_per_class: Rows = 10  # fewer training rows of a label are a warning
    max_characters: Characters = 10_000  # a longer text is an error
    max_damaged_share: Fraction = 0.2  # of the texts with misread characters; more is an error


class HubEncoder(Section):
    """A model of the Hugging Face hub: fetched once, checked, and read from disk ever after."""

    huggingface: str  # its name there, e.g. "answerdotai/ModernBERT-base"
    revision: str = "main"  # a branch, a tag or a commit; of a branch the commit of the day is kept


class Model(Section):
    """The shared encoder: config.json, tokenizer.json and weights as safetensors."""

    # its folder (downloads/NAME where a remote or a package brings it), or a model of the hub
    encoder: str | HubEncoder
    dropout: Fraction = 0.1  # in the encoder, while training

    @field_validator("encoder", mode="before")
    @classmethod
    def _folder_or_model(cls, encoder: Any) -> Any:
        """One of the two, so that pydantic says what is wrong with that one alone."""
        if isinstance(encoder, dict):
            return HubEncoder.model_validate(encoder)
        if not isinstance(encoder, str | HubEncoder):
            raise ValueError("expected a folder, or {huggingface: NAME, revision: BRANCH, TAG or COMMIT}")
        return encoder


class Evaluation(Section):
    """Intervals need no resamples (docs/decisions/0051-intervals-without-resamples.md)."""

    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95  # of an interval
    # a loss that is shown to be larger is rejected; a smaller one may be noise between two equal trainings
    shown_loss: Annotated[float, Field(ge=0, le=1), Unit("of the margin")] = 0.3333
    # what all releases since the last significant gain may lose together: docs/explanation/gate.md
    anchor_margin: Annotated[float, Field(gt=0), Unit("of the margin")] = 1.0
    verdicts_per_test_set: Annotated[Positive, Unit("verdicts")] = 50  # more wear a test set out: a warning
    without_champion: list[str] = []  # tasks that the champion answers, and that changed or went on purpose
    # tasks that releases know by another name: newer -> older; of one that was renamed twice, keep both lines
    renamed: dict[str, str] = {}
    # may reports/evaluation.html, and .json, which every release's commit holds, show texts of test rows: the
    # worst answers?
    show_texts: bool = False
    # what a release must show besides its tasks' metrics: gate -> its settings (docs/how-to/gates.md)
    gates: dict[str, Given] = {}


class Sharing(Section):
    """Does sharing help? Every task is trained alone too, once with each seed (docs/how-to/sharing.md)."""

    seeds: list[Annotated[int, Field(ge=0)]] = []  # of the runs that are compared; left out, there are none

    @field_validator("seeds")
    @classmethod
    def _some_and_distinct(cls, seeds: list[int]) -> list[int]:
        if not seeds:
            raise ValueError("there is no seed; write `sharing: {}` where tasks are not to be trained alone")
        if len(set(seeds)) != len(seeds):
            raise ValueError("the seeds are not distinct")
        return seeds


class Packaging(Section):
    """The service's name, the limits it holds callers to, and what a release says of itself."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$")]  # of the Bento
    max_texts: Annotated[int, Field(gt=0, le=10_000), Unit("texts")] = 64  # in one request
    max_characters: Characters = 20_000  # of one text
    max_body_bytes: Bytes = 1_000_000  # of one request
    # that a request may have to wait for the model; who would wait longer, or twice as long for the answer,
    # is refused (503) at once
    max_wait_seconds: Annotated[float, Field(gt=0), Unit("seconds")] = 5.0
    # what computes the encoder's states: eager, one of docs/how-to/runtimes.md, or auto, the fastest of them
    runtime: str = EAGER
    # of a client (a token, else an address) that are in progress in a worker; more are refused (429) at once
    max_requests_per_client: Annotated[Positive, Unit("requests")] = 100
    card: Card = Card()  # what the model card says that no program can know
    signing: Signing | None = None  # signed releases; left out, they are not signed


class Project(Section):
    """The whole of params.yaml."""

    seed: Annotated[int, Field(ge=0)]  # every random choice is a function of this and the step
    packages: dict[str, Package]  # files of the package index, by the name of their folder in downloads/
    remotes: dict[str, Remote] = {}  # rows that are elsewhere, by the name of their folder in downloads/
    tasks: Annotated[dict[str, Task], Field(min_length=1)]  # what the model learns, by name
    checks: Checks  # when data is good enough to train on
    mixture: Mixture  # how rows are drawn from the tasks
    model: Model  # the encoder that the tasks share
    training: Training  # budget, schedule and methods
    start: Start = Start()  # what a training begins with: docs/how-to/retrain.md
    evaluation: Evaluation  # how sure the numbers are
    sharing: Sharing = Sharing()  # tasks alone against tasks together
    compress: Compress = Compress()  # smaller encoders for the service: docs/how-to/runtimes.md
    packaging: Packaging  # the service
    logging: list[str] = []  # who else watches training: docs/how-to/watching.md
    search: dict[str, Search] = {}  # what `onetrunk search` tries, by name
    monitor: Monitor | None = None  # a watch over new articles: docs/how-to/monitoring.md
    traffic: Traffic | None = None  # a record of what the service is asked: docs/how-to/traffic.md
    rollout: Rollout | None = None  # how a new release begins to answer: docs/how-to/rollout.md
    feedback: Feedback | None = None  # right answers that callers send back: docs/how-to/feedback.md
    retrain: Retrain | None = None  # what asks for a retraining besides the schedule: docs/how-to/retrain.md

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
