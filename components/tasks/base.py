"""What a task family must offer.

A family knows everything about what its kind of task *means*: columns, expectations, encoding,
head, loss, metrics, baselines, decoding, response. The loop, the evaluation, the validation and
the service ask it and never look at its name. Heavy libraries are imported inside the methods that
use them, so that reading the settings stays instant.

Legend: B rows of a micro-batch, L tokens, D hidden width, C outputs, N rows, S statistics of a
metric, R resamples.
"""

from __future__ import annotations

import abc
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import torch
    from great_expectations.expectations import Expectation
    from pydantic import BaseModel
    from tokenizers import Encoding, Tokenizer
    from torch import nn

    from components.settings import Checks

Row = dict[str, Any]  # one row of the data contract
Facts = dict[str, Any]  # what a family learnt from the training rows: labels, mean, scale (JSON)
Prediction = dict[str, Any]  # what the model says of one row (JSON), e.g. {"label": ..., "probability": ...}


class BadRowError(ValueError):
    """A row that its family cannot read; the source adds the file and the row number."""


@dataclass(frozen=True)
class Check:
    """One expectation and what its failure means: an error stops the flow, a warning is reported."""

    title: str
    expectation: Expectation
    severity: Literal["error", "warning"] = "error"


class Family(abc.ABC):
    """One kind of task. Instances hold no state."""

    name: ClassVar[str]
    roles: ClassVar[Mapping[str, bool]]  # column -> is it required?
    metrics: ClassVar[tuple[str, ...]]  # higher is better, for each
    target_type: ClassVar[pa.DataType]  # of the encoded `target`
    apart: ClassVar[bool] = False  # does the encoder see a pair's texts one by one, or as one sequence?
    response: ClassVar[type[BaseModel]]  # the answer of the service

    # --- data -----------------------------------------------------------------------------------

    @abc.abstractmethod
    def read(self, record: Mapping[str, Any]) -> Row:
        """Turn a source's record (role -> raw value) into a row of the contract.

        Raises:
            BadRowError: one clause saying what was found and what was expected.
        """

    @abc.abstractmethod
    def schema(self) -> pa.Schema:
        """The Parquet columns of the family, `id` and `groups` left out."""

    def text_of(self, row: Row) -> str:
        """The text by which duplicates and leaks are found (a pair counts as one text)."""
        return f"{row['text']}\n{row.get('text_pair') or ''}"

    @abc.abstractmethod
    def target_of(self, row: Row) -> Any:
        """What the row teaches, comparable with ==: two rows of one text that differ in it conflict."""

    @abc.abstractmethod
    def learn_facts(self, rows: Sequence[Row], labels: list[str] | None) -> Facts:
        """Learn from the training rows what encoding and decoding need (label set, mean, scale).

        Raises:
            BadRowError: a row's label is not in the closed set `labels`.
        """

    @abc.abstractmethod
    def check_row(self, row: Row, facts: Facts) -> None:
        """Raise BadRowError where a row of any split does not fit the facts (a label never seen)."""

    @abc.abstractmethod
    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        """The family's own expectations over a frame of its columns plus `split`."""

    @abc.abstractmethod
    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        """What the report draws: (label or bin, count) of a split."""

    # --- encoding -------------------------------------------------------------------------------

    @abc.abstractmethod
    def encode(self, tokenizer: Tokenizer, table: pa.Table, facts: Facts) -> dict[str, list[Any]]:
        """Tokenise a table: `input_ids`, `segment_ids`, `target` and what `decode` needs, per row; of a
        pair whose texts stand apart, `second` is the place of the second text."""

    @abc.abstractmethod
    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        """Stack encoded targets for a micro-batch padded to `length` tokens."""

    # --- model ----------------------------------------------------------------------------------

    @abc.abstractmethod
    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        """The module (hidden_BLD, mask_BL) -> logits, [B, C] or [B, L, C]; a pair whose texts stand
        apart comes as hidden_B2LD, mask_B2L."""

    @abc.abstractmethod
    def loss(self, logits: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, int]:
        """The summed loss over the micro-batch's own units (examples, labelled tokens), and their number."""

    @abc.abstractmethod
    def units(self, target: Any) -> int:
        """How many units one encoded target holds; the sum over a step is its loss's denominator."""

    # --- answers --------------------------------------------------------------------------------

    @abc.abstractmethod
    def decode(self, logits: np.ndarray, encoded: Row, facts: Facts) -> Prediction:
        """One row's logits ([C] or [L, C]) -> its prediction, in the terms of the data."""

    @abc.abstractmethod
    def answer(self, logits: np.ndarray, encoding: Encoding, text: str, facts: Facts) -> Prediction:
        """One request's logits -> the fields of `response`; spans are offsets into `text`."""

    # --- evaluation -----------------------------------------------------------------------------

    @abc.abstractmethod
    def statistics(
        self, metric: str, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
    ) -> np.ndarray:
        """statistics_NS: per-row sums of which the metric is a function, so that it can be resampled."""

    @abc.abstractmethod
    def value(self, metric: str, sums: np.ndarray) -> np.ndarray:
        """The metric from summed statistics: sums_RS -> value_R."""

    @abc.abstractmethod
    def trivial(self, train: Sequence[Row], test: Sequence[Row]) -> list[Prediction]:
        """Predictions of the majority or the mean of the training rows."""

    @abc.abstractmethod
    def linear(self, train: Sequence[Row], test: Sequence[Row]) -> list[Prediction]:
        """Predictions of TF-IDF features with a linear model trained on the same rows."""


def text_key(text: str) -> str:
    """Hash a text without case, punctuation and spacing: equal keys count as one text."""
    words = re.findall(r"\w+", text.casefold())
    canonical = " ".join(words) or text  # a text of symbols only stands for itself
    return hashlib.blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def read_text(record: Mapping[str, Any], role: str) -> str:
    """A text that is there and is not blank."""
    value = record.get(role)
    if not isinstance(value, str) or not value.strip():
        raise BadRowError(f"column '{role}' is empty, expected a text")
    return value.strip()


def read_number(record: Mapping[str, Any], role: str) -> float:
    """A finite number."""
    try:
        number = float(record[role])
    except (TypeError, ValueError):
        raise BadRowError(f"column '{role}' is {record[role]!r}, expected a number") from None
    if not np.isfinite(number):
        raise BadRowError(f"column '{role}' is {record[role]!r}, expected a finite number")
    return number


def encode_texts(tokenizer: Tokenizer, table: pa.Table) -> dict[str, list[Any]]:
    """Tokenise `text`, or `text` and `text_pair` where the table has it, as one sequence."""
    texts: list[Any] = table["text"].to_pylist()
    if table["text_pair"].null_count < len(table):
        texts = list(zip(texts, table["text_pair"].to_pylist(), strict=True))
    encodings = tokenizer.encode_batch_fast(texts)
    return {
        "input_ids": [encoding.ids for encoding in encodings],
        "segment_ids": [encoding.type_ids for encoding in encodings],
    }


def encode_apart(tokenizer: Tokenizer, table: pa.Table) -> dict[str, list[Any]]:
    """Tokenise `text` and `text_pair` as two sequences; `second` is where the other one starts."""
    first, second = (encode_texts(tokenizer, _texts(table, role)) for role in ("text", "text_pair"))
    columns = {name: [a + b for a, b in zip(first[name], second[name], strict=True)] for name in first}
    return {**columns, "second": [len(ids) for ids in first["input_ids"]]}


def _texts(table: pa.Table, role: str) -> pa.Table:
    return pa.table({"text": table[role], "text_pair": pa.nulls(len(table), pa.string())})
