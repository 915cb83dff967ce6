"""What a training leaves for people and for later stages."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from components.records import Part, Record

TRAINING = Path("reports/training.json")


class ScheduledEvaluation(Part):
    """What one scheduled evaluation found, and what the steps since the one before showed."""

    step: int  # how many were taken
    score: float  # mean of the released heads' metrics, each counted by its rows
    error: float | None = None  # standard error of that; null in a file of before
    validation: dict[str, float]  # each head's first metric, on rows held out of training
    errors: dict[str, float] | None = None  # standard errors of those; null in a file of before
    rows: dict[str, int] | None = None  # how many rows those are of; null in a file of before
    training_loss: dict[str, float]  # each head's mean over the steps that drew it
    weights: dict[str, float]  # what each head's loss counted for the shared parameters
    mixture: dict[str, float]  # each task's mean share of the rows, or of the tokens: `mixture.unit`
    cosines: dict[str, dict[str, float]]  # of the heads' gradients, where they were compared
    learning_rate: float  # of the encoder
    tokens: int  # real ones, of all steps so far
    shares: dict[str, float] | None = None  # decided for the steps that follow, where shares are dynamic
    stopped: list[str] | None = None  # tasks that have left the mixture, where tasks may
    settled: bool | None = None  # had no task improved for two evaluations, where that ends the run


class KeptHead(Part):
    """A head in the model that is kept, beside the best that it ever was."""

    score: float  # in the kept model
    error: float | None = None  # its standard error; null in a file of before
    best_score: float  # in any evaluation
    best_step: int  # of that


class Kept(Part):
    """The model that is kept: the best of all heads together."""

    step: int  # after which it was measured
    score: float  # mean of the released heads' metrics, each counted by its rows
    error: float | None = None  # its standard error; null in a file of before
    heads: dict[str, KeptHead]  # by head


class Ahead(Part):
    """What twice the budget would bring a head, by its learning curve (docs/how-to/budget.md)."""

    improving: bool | None  # is its curve higher there, by more than its noise hides? null: not known
    now: float  # its curve at the end of the run
    twice: float  # at twice the steps
    interval: list[float]  # of 90 %, for an evaluation there: low end, high end


class TrainingReport(Record):
    """reports/training.json: what training went through."""

    metrics: dict[str, str]  # the name of each head's first metric
    precision: str | None = None  # fp32, bf16 or fp16: what `auto` was; null in a file of before
    evaluations: list[ScheduledEvaluation]  # in their order
    kept: Kept  # the model that the stage leaves
    # what twice the budget would bring, by head; none that has not risen, or has too few evaluations
    ahead: dict[str, Ahead] = Field(default_factory=dict)
