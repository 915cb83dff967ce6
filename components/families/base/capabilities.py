"""What some families want besides: each inherits the capabilities that it declares, before `Family`.

Whoever calls a capability asks `isinstance(family, ...)`; a family without it has no method of that kind.

Legend: n rows, L tokens, F numbers beside the states, G those of all rows that fill nothing up, V words of
the encoder.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from components.families.base.records import Facts, Prediction, Row

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding

Numbers = list[int] | list[float]  # what a head is given besides a row's states
ReadTable = Callable[[Path, str, Mapping[str, str]], Iterator[tuple[str, Row]]]
"""(file, format, role -> column) -> (where it stands, its columns by role) of each of its rows."""
Predict = Callable[[Sequence[Row]], list[Prediction]]  # of a fitted model
Reword = Callable[[list[str]], list[str | None]]
"""The words of a text -> what stands in the place of each; None: nothing."""
Follow = Callable[["torch.Tensor"], list[bool]]
"""Hears what is decoded of each row so far, as the head's logits -> which rows to go on with."""
MOST_CANDIDATES = 20_000  # of a head: their vectors ship with the model, and a question is scored against all


# --- data ------------------------------------------------------------------------------------------


class ExtraFiles(abc.ABC):
    """The family reads files besides the source."""

    @abc.abstractmethod
    def extra_files(self, options: Mapping[str, Any]) -> list[str]:
        """Their paths from the project's folder, below `source.path`, which is watched for changes."""

    @abc.abstractmethod
    def with_extra_files(self, options: Mapping[str, Any], read: ReadTable) -> Mapping[str, Any]:
        """The options with what the files hold, as `read_target` and `learn_facts` are given them; `read` is
        the sources' own reader.

        Raises:
            UserError: a file cannot be read.
        """


class NegativesFromRows(abc.ABC):
    """A row takes something of other rows of its split (a negative)."""

    @abc.abstractmethod
    def add_negatives(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of one split, before they are written -> the same number of rows, of the same schema."""


class FactsOfAllSplits(abc.ABC):
    """Rows of every split add to the facts what is no lesson, such as which answers are right as well."""

    @abc.abstractmethod
    def facts_of_all_splits(self, facts: Facts, splits: Mapping[str, Iterable[Row]]) -> Facts:
        """What is added to the facts of training. Each split can be read once."""


class Candidates(abc.ABC):
    """An answer is chosen among rows; the head is an `IndexedHead` (shared/heads.py)."""

    row_encoding: ClassVar[str | None] = None

    @abc.abstractmethod
    def candidates(self, facts: Facts) -> list[Row]:
        """The rows (inputs alone) that an answer is chosen from, at most MOST_CANDIDATES. Their order must
        not be that of an object's keys: transformers sorts these where it writes the facts."""

    @abc.abstractmethod
    def with_candidates(self, rows: Sequence[Row], facts: Facts) -> Sequence[Row]:
        """The training rows with what the encoder reads besides while the model learns from them (the right
        answer, wrong ones): `sequences` and `target` are asked of these."""


# --- encoding --------------------------------------------------------------------------------------


class MultiSequence(abc.ABC):  # noqa: B024 it says something, and no more
    """A row may be several sequences (choices, windows, the texts of a pair apart)."""

    def multi_sequence(self, inputs: Sequence[str]) -> bool:
        """Are the rows of a task whose questions have these fields several sequences each?"""
        return True


class EncoderFacts(abc.ABC):
    """Encoding, head or decoding must know something of the encoder."""

    @abc.abstractmethod
    def encoder_facts(self, folder: Path, options: Mapping[str, Any]) -> Facts:
        """What joins the facts at encoding, from the encoder's folder (config.json, tokenizer.json).

        Raises:
            UserError: the family needs another encoder; what was found and what was expected.
        """


class TokenCounts(abc.ABC):
    """The family counts something in the tokens of the training rows."""

    @abc.abstractmethod
    def count_tokens(self, encodings: Sequence[Sequence[Encoding]], facts: Facts) -> np.ndarray:
        """Whole numbers of some rows; their sum over all training rows is facts["tally"]."""


class ExtraInputs(abc.ABC):
    """The head is given numbers besides the states, as its third argument."""

    extra_type: ClassVar[pa.DataType]
    """Of one of the numbers."""

    @abc.abstractmethod
    def extra_inputs(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Numbers | None:
        """F numbers (positions that the head looks at, features of the row); rows with fewer are filled up
        with -1 behind them; None for every row of a task: nothing. What they mean must not depend on values
        learnt from the training rows: a champion is asked about rows that were encoded with newer facts."""


class UnevenExtraInputs(ExtraInputs):
    """Rows have as many of them as they like. The head is told, as `given`, which of them all, row after row,
    fill nothing up (given_G): who looks for these on a device waits for it."""


# --- training --------------------------------------------------------------------------------------


class Augmentation(abc.ABC):
    """Training sees a row's first sequence in other ways at each visit, with as many tokens."""

    row_encoding: ClassVar[str | None] = None

    @abc.abstractmethod
    def augment(
        self, ids: np.ndarray, extra: list[int], target: Any, key: int, facts: Facts
    ) -> tuple[np.ndarray, list[int]]:
        """The tokens ids_L of a row and its extra inputs at the visit that `key`, a function of (seed, step,
        row), stands for. How many units there are may not depend on the visit."""


class TeacherForcing:
    """The head is given the collated targets while it learns, by name (`target`; Williams & Zipser 1989).

    Without them, in evaluation and service, it decodes by itself: then its "logits" are what it has decoded.
    In the service it is also given, as `share`, the part of a request's rows that these are, since its time
    is bounded by request; and whom to tell of each step, as `follow`.
    """


class ReadsWordEmbeddings:
    """The head is given the encoder's word embeddings, embeddings_VD by that name, to read; it does not teach
    them."""


class SquaredErrorLoss:
    """The loss is a squared error, not a negative log-likelihood (Kendall 2018 weighs them apart)."""


# --- proposals -------------------------------------------------------------------------------------


class Events:
    """Rows are events of a log: the same inputs come again and again, with other outcomes."""


class PairsOfSpans:
    """Of an annotated document each pair of spans is a row (`rows: pairs`)."""


# --- evaluation ------------------------------------------------------------------------------------


class OneClassEach(abc.ABC):
    """What is answered has one class of several, so that one may be taken for another."""

    @abc.abstractmethod
    def class_pairs(self, row: Row, said: Prediction, facts: Facts) -> Iterable[tuple[str, str]]:
        """(gold, said) of everything in the row that has a class: of the row itself, or of each word."""


class NamedLabels(abc.ABC):
    """Labels are names: where a label set has changed, rows and answers can be read with those of before."""

    @abc.abstractmethod
    def relabelled(self, one: Row | Prediction, names: Mapping[str, str], facts: Facts) -> Row | Prediction:
        """A row or an answer whose labels are called as `names` has them; those that it lacks stay."""


class ScoredClasses(abc.ABC):
    """Rows can be ranked by how probable a class is, one class against the rest."""

    @abc.abstractmethod
    def scored_classes(
        self, rows: Sequence[Row], said: Sequence[Prediction], facts: Facts
    ) -> Iterable[tuple[str, np.ndarray, np.ndarray]]:
        """(its name, does it hold: y_N, 0 or 1, how probable is it said to be: p_N) of each class that holds
        of some rows and not of all."""


class Probabilities(abc.ABC):
    """An answer says how probable it is."""

    @abc.abstractmethod
    def likelihoods(self, row: Row, said: Prediction, facts: Facts) -> list[tuple[float, bool]]:
        """(how probable the model calls something, whether it is so) for whatever the answer gives a
        probability: its label, or each of several labels."""


class TunedBaseline(abc.ABC):
    """There are several linear baselines; the one that is best on the validation rows is taken."""

    @abc.abstractmethod
    def linear_models(self, train: Sequence[Row], facts: Facts) -> Iterator[Predict]:
        """What each, fitted to the training rows, predicts of others; the plainest first. They are fitted one
        by one, as they are asked for."""

    def tfidf_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The plainest one's predictions."""
        return next(iter(self.linear_models(train, facts)))(test)


class Rewordable(abc.ABC):
    """A row's words may be written otherwise: its target stays what it is, or moves along."""

    @abc.abstractmethod
    def reworded(self, row: Row, reword: Reword) -> Row | None:
        """The row with other words; None where its target would be lost."""


class NamesThings(abc.ABC):
    """Some of a row's words are entities, and its target says which."""

    @abc.abstractmethod
    def entities(self, row: Row) -> list[tuple[str, int, int]]:
        """(type, its first word, its last) of each: numbers of the words that `reworded` is given."""


# --- service ---------------------------------------------------------------------------------------


class Explained(abc.ABC):
    """One number stands for an answer, so that words can be left out to see which of them carry it."""

    @abc.abstractmethod
    def support(self, answer: Prediction, first: Prediction) -> float:
        """How much an answer of the service speaks for what the first one said: the probability, or the score
        in the units of the data, that it gives to that."""


# --- what callers ask ------------------------------------------------------------------------------


def candidates_of(family: object, facts: Facts) -> list[Row]:
    """The rows that an answer is chosen from; none where it is no choice among rows."""
    return family.candidates(facts) if isinstance(family, Candidates) else []


def is_multi_sequence(family: object, inputs: Sequence[str]) -> bool:
    """Are the rows of a task whose questions have these fields several sequences each?"""
    return isinstance(family, MultiSequence) and family.multi_sequence(inputs)


def extra_inputs_of(family: object, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Numbers | None:
    """The numbers that the head is given besides the states, if it is given any."""
    return family.extra_inputs(row, encodings, facts) if isinstance(family, ExtraInputs) else None
