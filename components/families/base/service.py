"""What the service asks of a family: the fields of a question, and the way from logits to an answer."""

from __future__ import annotations

import abc
from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from pydantic import BaseModel

from components.families.base.ingest import IngestPart
from components.families.base.records import Facts, Layout, Prediction, Row, TextRequest


class ServicePart(IngestPart):
    """A question is read as a row's inputs are, so that a model is asked what it has learnt."""

    request: ClassVar[type[BaseModel]] = TextRequest
    """The fields of a question to the service, and their types; a task takes those it was declared with."""
    response: ClassVar[type[BaseModel]]
    """The answer of the service."""
    example: ClassVar[tuple[Row, Prediction]]
    """A question and its answer, for the documentation."""
    hub_task: ClassVar[str] = "other"
    """What the Hugging Face hub calls such a task, for the model card."""

    def request_fields(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The fields of a question to a task that declares these columns."""
        return tuple(role for role in columns if role in self.input_roles())

    def check_question(self, row: Row, facts: Facts) -> None:
        """Raise BadRowError where the inputs of a question do not fit the facts."""

    def best_of(self, answer: Prediction, count: int) -> Prediction:
        """An answer of `respond` with at most `count` of what it ranks: labels, templates, entities."""
        return answer

    @abc.abstractmethod
    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        """One row's logits, padding included, -> its prediction, in the terms of the data."""

    def respond(self, prediction: Prediction, row: Row, layout: Layout, facts: Facts) -> Prediction:
        """The fields of `response` for a question; spans are offsets into its text."""
        return prediction
