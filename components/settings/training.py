"""What params.yaml says of training: its budget, its schedule and its methods."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.settings.section import Fraction, Positive, Section


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


class Balancing(Section):
    """How the tasks' losses are weighed, and how their gradients are combined (docs/choosing-a-method.md)."""

    weights: Method = Method(method="static")  # the mixture's shares
    combination: Method = Method(method="sum")


class Training(Section):
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

    @model_validator(mode="after")
    def _there_is_more_than_a_step(self) -> Training:
        if self.tokens < self.tokens_per_step:
            raise ValueError(
                f"tokens {self.tokens} is less than one step: tokens_per_step is {self.tokens_per_step}"
            )
        return self
