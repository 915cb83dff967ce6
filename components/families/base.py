"""What a task family must offer.

A family knows everything about what its kind of task *means*: columns, expectations, encoding,
head, loss, metrics, baselines, decoding, response. The loop, the evaluation, the validation and
the service ask it and never look at its name. Heavy libraries are imported inside the methods that
use them, so that reading the settings stays instant.

A row has inputs, what is asked, and targets, what is answered. Several tasks may read the same
inputs (joint annotations): then the rows hold the inputs once and each task's targets beside them.

Legend: B sequences of a micro-batch, n rows of one task in it, M sequences of a row, L tokens,
D hidden width, F numbers beside the states, C outputs, N rows, S statistics of a metric, R resamples.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from components.families.shared.fields import read_text, read_turns
from components.families.shared.truncation import shortened

if TYPE_CHECKING:
    import torch
    from great_expectations.expectations import Expectation
    from tokenizers import Encoding, Tokenizer
    from torch import nn

    from components.settings.project import Checks

Row = dict[str, Any]  # one row of the data contract
Facts = dict[str, Any]  # what a family learnt from the training rows, and its options (JSON)
Layout = dict[str, Any]  # where in the row's tokens its words, choices or windows are (JSON)
Prediction = dict[str, Any]  # what the model says of one row (JSON), e.g. {"label": ..., "probability": ...}
Sequence1 = str | tuple[str, str]  # what the encoder reads at once: a text, or two with a separator

COMMON = ("id", "group", "difficulty")  # roles that every family's rows may have
CANDIDATES = 20_000  # most of a head: their vectors ship with the model, and a question is scored against all


class Options(BaseModel):
    """What params.yaml may set under a task's `options`; a family with options has its own subclass."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Turn(BaseModel):
    """One turn of a dialogue."""

    model_config = ConfigDict(extra="forbid")

    role: str
    text: str


class TextRequest(BaseModel):
    """A text, two texts, or a dialogue whose oldest turns are cut where it is too long."""

    text: str
    text_pair: str
    turns: list[str | Turn]


@dataclass(frozen=True)
class Check:
    """One expectation and what its failure means: an error stops the flow, a warning is reported."""

    title: str
    expectation: Expectation
    severity: Literal["error", "warning"] = "error"


class Family(abc.ABC):
    """One kind of task. Instances hold no state."""

    name: ClassVar[str]
    inputs: ClassVar[tuple[tuple[str, ...], ...]] = (("text",), ("text", "text_pair"), ("turns",))
    """The sets of input columns of which a task declares one."""
    optional_inputs: ClassVar[tuple[str, ...]] = ()
    """Input columns that a task may declare besides; the head is given them (`side`), the encoder never
    sees them. Each is an object, or a list of columns that make one."""
    targets: ClassVar[Mapping[str, bool]]
    """Target column -> is it required?"""
    request: ClassVar[type[BaseModel]] = TextRequest
    """The fields of a question to the service, and their types; a task takes those it was declared with."""
    response: ClassVar[type[BaseModel]]
    """The answer of the service."""
    example: ClassVar[tuple[dict[str, Any], dict[str, Any]]]
    """A question and its answer, for the documentation."""
    options: ClassVar[type[Options]] = Options
    gaussian: ClassVar[bool] = False
    """Is the loss a squared error, not a negative log-likelihood? (Kendall 2018 weighs them apart.)"""
    metrics: ClassVar[tuple[str, ...]]
    """All that the family can measure; higher is better, for each."""
    target_type: ClassVar[pa.DataType]
    """Of one encoded target."""
    layout_type: ClassVar[pa.DataType | None] = None
    """Of one encoded layout, where decoding needs one."""
    side_type: ClassVar[pa.DataType | None] = None
    """Of one of the numbers that `side` gives, where a head needs any."""
    offsets: ClassVar[bool] = False
    """Does encoding look at the tokens' places in the text?"""
    embeddings: ClassVar[bool] = False
    """Is the head given the encoder's word embeddings, embeddings_VD, to read? It does not teach them."""
    altering: ClassVar[bool] = False
    """Does training alter the tokens of a row anew at each visit (`altered`)?"""
    teacher: ClassVar[bool] = False
    """Is the head given the target while it learns (teacher forcing, Williams & Zipser 1989)? Without one, in
    evaluation and service, it decodes by itself: then its "logits" are what it has decoded. In the service it
    is also given, as `share`, the part of a request's rows that these are; its time is bounded by request."""

    # --- data: inputs ---------------------------------------------------------------------------

    def asked(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The fields of a question to a task that declares these columns."""
        return tuple(role for role in columns if role in self.input_roles())

    def input_roles(self) -> tuple[str, ...]:
        """Every input column that some task of the family may declare."""
        roles = [role for roles in self.inputs for role in roles]
        return tuple(dict.fromkeys([*roles, *self.optional_inputs]))

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        """Turn a source's record, or a question to the service (role -> raw value), into `input_schema`.

        Raises:
            BadRowError: one clause saying what was found and what was expected.
            SkippedRowError: the row is right, but there is nothing in it to ask; says why.
        """
        text = read_turns(record["turns"]) if "turns" in record else read_text(record, "text")
        pair = read_text(record, "text_pair") if "text_pair" in record else None
        return {"text": text, "text_pair": pair}

    def input_schema(self) -> pa.Schema:
        """The Parquet columns of the inputs."""
        return pa.schema([("text", pa.string()), ("text_pair", pa.string())])

    def mingled(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of one split, before they are written: what each of them takes of others (a negative)."""
        return rows

    def text_of(self, row: Row) -> str:
        """The text by which duplicates and leaks are found (a pair counts as one text)."""
        return f"{row['text']}\n{row.get('text_pair') or ''}"

    # --- data: targets --------------------------------------------------------------------------

    @abc.abstractmethod
    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        """Turn a source's record into `target_schema`; `row` holds the inputs already read.

        Raises:
            BadRowError: one clause saying what was found and what was expected.
        """

    @abc.abstractmethod
    def target_schema(self) -> pa.Schema:
        """The Parquet columns of the targets. None in the first of them: this row has no target."""

    @abc.abstractmethod
    def target_of(self, row: Row) -> Any:
        """What the row teaches, hashable: two rows of one text that differ in it conflict."""

    @abc.abstractmethod
    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        """Learn, in one pass over the training rows that have a target, what encoding and decoding need
        (label set, mean, scale). `labels` is the closed set that the settings declare.

        Raises:
            BadRowError: the rows teach nothing, or `labels` does not belong here.
        """

    def survey(self, facts: Facts, splits: Mapping[str, Iterable[Row]]) -> Facts:
        """What the rows of every split add to the facts that is no lesson, such as what there is to choose
        from, or which answers are known to be right as well. Each split can be read once."""
        return {}

    def check_row(self, row: Row, facts: Facts) -> None:  # noqa: B027 any row fits, unless a family objects
        """Raise BadRowError where a row of any split does not fit the facts (a label never seen)."""

    def check_question(self, row: Row, facts: Facts) -> None:  # noqa: B027 as above
        """Raise BadRowError where the inputs of a question to the service do not fit the facts."""

    def reads(self, options: Mapping[str, Any]) -> list[str]:
        """The files that `learn_facts` reads besides the source: paths from the project's folder, below
        `source.path`, which is watched for changes."""
        return []

    def candidates(self, facts: Facts) -> list[Row]:
        """The rows (inputs alone) that an answer is chosen from, at most CANDIDATES; none: the answer is no
        choice among rows. The head is then an `IndexedHead` (shared/heads.py). Their order
        must not be that of an object's keys: transformers sorts these where it writes the facts."""
        return []

    @abc.abstractmethod
    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        """The family's own expectations over the rows that have a target, plus a column `split`."""

    @abc.abstractmethod
    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        """What the report draws: (label or bin, count) of a split."""

    # --- encoding -------------------------------------------------------------------------------

    def sequences(self, row: Row) -> list[Sequence1]:
        """What the encoder reads of a row: one sequence, or several."""
        return [(row["text"], row["text_pair"]) if row.get("text_pair") else row["text"]]

    def for_learning(self, rows: Sequence[Row], facts: Facts) -> Sequence[Row]:
        """The training rows with what the encoder reads besides while the model learns from them (the
        right answer, wrong ones): `sequences` and `target` are asked of these. A family that adds anything
        has rows of `several` sequences and shares them with no joint head."""
        return rows

    def several(self, inputs: Sequence[str]) -> bool:
        """Are the rows of a task with these `asked` inputs several sequences (or windows) each?"""
        return False

    def truncation(
        self, inputs: Sequence[str], max_length: int, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """How a text that is too long is cut: arguments of `Tokenizer.enable_truncation`."""
        return {"max_length": max_length, "direction": "left" if "turns" in inputs else "right"}

    def tokenise(
        self, tokenizer: Tokenizer, rows: Sequence[Row], options: Mapping[str, Any], offsets: bool = True
    ) -> list[list[Encoding]]:
        """Each row's sequences as encodings; `truncation` is the tokenizer's setting. Without `offsets`,
        which no head of the rows needs then, it is a little faster."""
        sequences = [self.sequences(row) for row in rows]
        batch = tokenizer.encode_batch if offsets else tokenizer.encode_batch_fast
        every = (one for of_row in sequences for one in of_row)
        short = [one if isinstance(one, str) else shortened(tokenizer, one) for one in every]
        encodings = iter(batch(short))
        return [[next(encodings) for _ in of_row] for of_row in sequences]

    def encoder_facts(self, folder: Path, options: Mapping[str, Any]) -> Facts:
        """What encoding, head and decoding must know of the encoder's folder, its config.json and
        tokenizer.json; it joins the facts at encoding.

        Raises:
            UserError: the family needs another encoder; what was found and what was expected.
        """
        return {}

    def tally(self, encodings: Sequence[Sequence[Encoding]], facts: Facts) -> np.ndarray | None:
        """Whole numbers, what is counted in the encodings of some training rows (how often each token is
        there); their sum over all training rows joins the facts as `tally`. None: nothing is counted."""
        return None

    def layout(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Layout:
        """What `decode` and `respond` must know of the row's tokens; the same in data and service."""
        return {}

    def side(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> list[int] | list[float] | None:
        """What the head is given beside the states: F numbers (positions that it looks at, features of the
        row); rows with fewer are filled up with -1 behind them; None: nothing. What they mean must not
        depend on values learnt from the training rows: a champion is asked about rows that were encoded
        with newer facts."""
        return None

    @abc.abstractmethod
    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        """The row's encoded target, of `target_type`."""

    @abc.abstractmethod
    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        """Stack encoded targets for a micro-batch padded to `length` tokens."""

    def altered(
        self, ids: np.ndarray, side: list[int], target: Any, secret: int, facts: Facts
    ) -> tuple[np.ndarray, list[int]]:
        """The tokens ids_L of a row, and what the head is given beside them, at the visit of training that
        `secret`, a function of (seed, step, row), stands for. Of families that are `altering`, and of their
        rows of one sequence; units may not depend on the visit."""
        return ids, side

    # --- model ----------------------------------------------------------------------------------

    @abc.abstractmethod
    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        """The module (hidden_nLD, mask_nL) -> logits, [n, C] or [n, L, C]. Where rows are several
        sequences it gets hidden_nMLD, mask_nML (absent ones masked whole); where rows have a `side`, also
        side_nF; where it reads them, also embeddings_VD by that name; where it has a `teacher`, in training
        also the collated targets, by name (`target`)."""

    @abc.abstractmethod
    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        """The loss summed over the micro-batch's own units (examples, labelled tokens)."""

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        """How far two outputs for the same rows are apart, summed over the units that `loss` sums over:
        KL(P || Q) + KL(Q || P), here of softmaxes over C."""
        from components.families.shared.divergence import categorical

        return categorical(logits, others).sum()

    def units(self, target: Any, facts: Facts) -> float:
        """How many units one encoded target holds (or their weight); the sum over a step is the
        denominator of its loss."""
        return 1.0

    # --- answers --------------------------------------------------------------------------------

    @abc.abstractmethod
    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        """One row's logits, padding included, -> its prediction, in the terms of the data."""

    def respond(self, prediction: Prediction, row: Row, layout: Layout, facts: Facts) -> Prediction:
        """The fields of `response` for a question; spans are offsets into its text."""
        return prediction

    # --- evaluation -----------------------------------------------------------------------------

    def comparable(self, known: Facts, facts: Facts) -> bool:
        """Can a champion that has learnt the facts `known` be measured on the rows that `facts` are of?"""
        return bool(known.get("labels") == facts.get("labels"))

    def facts_to_ask(self, known: Facts, facts: Facts) -> Facts:
        """What rows are encoded with to ask a model that has learnt the facts `known`, where today's are
        `facts`: its own."""
        return known

    def measured(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The metrics of a task with these options; the first chooses the best evaluation of a training."""
        return self.metrics

    def report(
        self, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
    ) -> list[tuple[str, int, float]]:
        """What the evaluation page draws of each class or type: (its name, gold occurrences, F1)."""
        return []

    @abc.abstractmethod
    def statistics(
        self, metric: str, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
    ) -> np.ndarray:
        """statistics_NS: per-row sums of which the metric is a function, so that it can be resampled."""

    @abc.abstractmethod
    def value(self, metric: str, sums: np.ndarray) -> np.ndarray:
        """The metric from summed statistics: sums_RS -> value_R."""

    @abc.abstractmethod
    def trivial(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """Predictions of the majority or the mean of the training rows."""

    @abc.abstractmethod
    def linear(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """Predictions of TF-IDF features with a linear model trained on the same rows."""
