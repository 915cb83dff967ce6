"""What params.yaml says of training: its budget, its schedule and its methods."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.settings.section import (
    Evaluations,
    Fraction,
    Given,
    Positive,
    Rows,
    Section,
    Steps,
    Tokens,
    Unit,
)


class Method(BaseModel):
    """A method (of balancing, an optimiser) by its name, and its options beside it; or the name alone."""

    model_config = ConfigDict(extra="allow", frozen=True)

    method: str  # its name

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"method": value} if isinstance(value, str) else value

    @property
    def options(self) -> Given:
        """What is set besides the name."""
        return dict(self.model_extra or {})


class Balancing(Section):
    """How the tasks' losses are weighed and their gradients combined (docs/reference/balancing.md)."""

    weights: Method = Method(method="static")  # what a task's loss counts; static is the mixture's shares
    combination: Method = Method(method="sum")  # how the tasks' gradients become one


class Training(Section):
    """Budget, schedule and methods. Tokens are real tokens, padding not counted."""

    tokens: Tokens | None = None  # that the whole training reads; or a `budget` in its place
    budget: Method | None = None  # how much the training reads, by another rule: docs/how-to/budget.md
    tokens_per_step: Tokens  # that a step reads, on average
    # in memory at once, for each process; auto: on a GPU as many as its memory holds, found by doubling
    tokens_per_micro_batch: Tokens | Literal["auto"]
    # steps whose rows are grouped by length together; more than 1 pad less where an encoder cannot be packed
    window: Steps = 1
    learning_rate: Annotated[float, Field(gt=0)]  # of the encoder, at its highest
    head_learning_rate: Annotated[float, Field(gt=0)]  # of the heads, at its highest
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0  # an encoder block's rate over that of the next
    optimiser: Method = Method(method="adamw")  # how gradients move the weights
    weight_decay: Annotated[float, Field(ge=0)] = 0.01  # not of biases and normalisation weights
    start_decay: Annotated[float, Field(ge=0)] = 0.0  # of the encoder's weights, to what they began with
    warmup: Fraction = 0.06  # share of the steps in which the rates rise
    schedule: Literal["linear", "cosine", "constant"] = "linear"  # how they fall after the warm-up
    clip: Annotated[float, Field(gt=0)] = 1.0  # the largest norm of all gradients together, once a step
    ema: Fraction = 0.0  # decay of the average of the weights that is evaluated and kept; 0: the weights
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"  # auto: bf16 where it is faster
    gradient_checkpointing: bool = False  # recompute activations in the backward pass: less memory, slower
    # that share the rows of every step; each has a GPU of its own: docs/how-to/data-parallel.md
    processes: Annotated[Positive, Unit("processes")] = 1
    balancing: Balancing = Balancing()  # what each task counts
    regularisation: list[Method] = []  # what is added to every task's loss
    not_finite: Literal["stop", "skip"] = "stop"  # what a step does whose loss is NaN or infinite
    evaluate_every: Steps  # between two scheduled evaluations
    validation_rows: Rows  # of each task, at a scheduled evaluation
    patience: Evaluations  # without improvement before training stops
    task_patience: Evaluations | None = None  # the same for each task alone, which then leaves the mixture
    checkpoint_every: Steps  # between two checkpoints

    @property
    def budgeted(self) -> Method:
        """The budget, whichever way it is given."""
        return self.budget or Method.model_validate({"method": "tokens", "tokens": self.tokens})

    @model_validator(mode="after")
    def _there_is_one_budget(self) -> Training:
        if (self.tokens is None) == (self.budget is None):
            found = "neither `tokens` nor" if self.budget is None else "both `tokens` and"
            raise ValueError(f"found {found} `budget`; expected one of them, which says how long training is")
        return self

    @model_validator(mode="after")
    def _the_encoder_moves(self) -> Training:
        if self.learning_rate * self.start_decay >= 1:
            raise ValueError(
                f"start_decay {self.start_decay:g}: each step would take the encoder all the way back, for "
                f"learning_rate ({self.learning_rate:g}) times as much is 1 or more; expected less than "
                f"{1 / self.learning_rate:g}"
            )
        return self

    @model_validator(mode="after")
    def _there_is_more_than_a_step(self) -> Training:
        if self.tokens is not None and self.tokens < self.tokens_per_step:
            raise ValueError(
                f"tokens {self.tokens} is less than one step: tokens_per_step is {self.tokens_per_step}"
            )
        return self
