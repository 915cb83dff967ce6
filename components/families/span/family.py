"""Span: extractive question answering; the answer is a span of the context, or there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, Field

from components.errors import BadRowError
from components.families.base import (
    Check,
    Facts,
    Family,
    Layout,
    Options,
    Prediction,
    Row,
    Sequence1,
    Truncation,
)
from components.families.base.capabilities import MultiSequence, Reword, Rewordable
from components.families.shared.fields import read_text
from components.families.shared.linear import TERM
from components.families.shared.rewording import reworded
from components.families.span.answers import checked, read_answers, started
from components.families.span.baselines import WORD, first_words, likest_sentence, rarest_words
from components.families.span.metrics import F1, METRICS, answer_of
from components.families.span.windows import NULL, answer_tokens, begins, best_span, context_tokens
from components.settings.section import Unit

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding, Tokenizer
    from torch import nn

    from components.settings.project import Checks

ANSWER, NO_ANSWER = "an answer", "no answer"  # what a question may have
ABSENT = -100  # target of a window that a row lacks; cross_entropy leaves it out


class SpanOptions(Options):
    """How a long context is read, and when there is no answer."""

    stride: Annotated[int, Unit("tokens")] = Field(64, ge=0)  # that two neighbouring windows share
    max_windows: Annotated[int, Unit("windows")] = Field(8, ge=1)  # of a context; the rest is cut
    max_answer_tokens: Annotated[int, Unit("tokens")] = Field(30, ge=1)  # of an answer, at most
    null_threshold: float = 0.0  # by how much an answer's logits must beat those of no answer
    repair: bool = False  # take an answer that is not at its offset from the nearest place


class SpanRequest(BaseModel):
    """A question, and the text that may hold its answer."""

    question: str
    context: str


class SpanAnswer(BaseModel):
    """The answer, context[start:end], or nulls where there is none. `score` is by how much its logits beat
    no answer's."""

    answer: str | None
    start: int | None
    end: int | None
    score: float


class SpanExtraction(Rewordable, MultiSequence, Family):
    """Softmax over the tokens of each window for the start and for the end of the answer; a window without
    it points at its first token (Devlin 2019, sections 4.2 and 4.3)."""

    name = "span"
    hub_task = "question-answering"
    inputs = (("question", "context"),)
    targets: ClassVar[Mapping[str, bool]] = {"answers": True, "start": False}
    text_columns = ("question", "context")
    request = SpanRequest
    response = SpanAnswer
    example = (
        {"question": "Where was Ada born?", "context": "Ada was born in Turin."},
        {"answer": "Turin", "start": 16, "end": 21, "score": 7.5},
    )
    options = SpanOptions
    metrics = METRICS
    target_type = pa.list_(pa.list_(pa.int32()))  # [start, end] of every window
    layout_type = pa.struct(
        [
            ("first", pa.list_(pa.int32())),  # position of each window's first context token
            ("offsets", pa.list_(pa.list_(pa.list_(pa.int32())))),  # of its context tokens in the context
        ]
    )
    row_encoding = "windows"
    offsets = True

    # --- data -----------------------------------------------------------------------------------

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        return {"question": read_text(record, "question"), "context": read_text(record, "context")}

    def input_schema(self) -> pa.Schema:
        return pa.schema([("question", pa.string()), ("context", pa.string())])

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        given = enumerate(started(read_answers(record.get("answers")), record.get("start")), 1)
        return {"answers": [checked(answer, row["context"], n, options["repair"]) for n, answer in given]}

    def reworded(self, row: Row, reword: Reword) -> Row | None:
        """The question alone: answers stay where they are in the context."""
        return {**row, "question": reworded(row["question"], reword)}

    def target_schema(self) -> pa.Schema:
        answer = pa.struct([("text", pa.string()), ("start", pa.int32())])
        return pa.schema([("answers", pa.list_(answer))])

    def target_of(self, row: Row) -> Any:
        return tuple((answer["text"], answer["start"]) for answer in row["answers"])

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        if labels is not None:
            raise BadRowError("a span task has no label set; remove `labels`")
        answered = [bool(row["answers"]) for row in rows]
        if not any(answered):
            raise BadRowError(f"none of the {len(answered)} training questions has an answer")
        return {"unanswerable": 1 - sum(answered) / len(answered)}

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from components.families.span.expectations import ExpectAnswersInContext

        answers = ExpectAnswersInContext(column_A="context", column_B="answers")
        return [Check("every answer stands in its context, at its offset", answers)]

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        """Questions by the words of their first answer."""
        lengths = [len(a[0]["text"].split()) if a else 0 for a in table["answers"].to_pylist()]
        bins = {"no answer": (0, 0), "1 word": (1, 1), "2 or 3": (2, 3), "4 to 7": (4, 7)}
        counts = [
            (name, sum(low <= length <= high for length in lengths)) for name, (low, high) in bins.items()
        ]
        return [*counts, ("8 or more", sum(length >= 8 for length in lengths))]

    # --- encoding -------------------------------------------------------------------------------

    def sequences(self, row: Row) -> list[Sequence1]:
        return [(row["question"], row["context"])]

    def truncation(self, inputs: Sequence[str], max_length: int, options: Mapping[str, Any]) -> Truncation:
        """The context is cut into windows. Those of a tiny `max_length` share less than `stride`, so that
        they advance. (Were the question to be cut here too, each of its parts would meet each window.)"""
        stride = min(options["stride"], question_room(max_length))
        return {"max_length": max_length, "stride": stride, "strategy": "longest_first"}

    def tokenise(
        self, tokenizer: Tokenizer, rows: Sequence[Row], options: Mapping[str, Any], offsets: bool = True
    ) -> list[list[Encoding]]:
        """Each row's windows, in the order of the context."""
        asked = tokenizer.encode_batch([row["question"] for row in rows])
        room = question_room((tokenizer.truncation or {"max_length": sys.maxsize})["max_length"])
        fitting = [
            {**row, "question": row["question"][: question.offsets[room][1]]}
            if len(question) > room + 2
            else row
            for row, question in zip(rows, asked, strict=True)
        ]
        windows = []
        for (first,) in super().tokenise(tokenizer, fitting, options, offsets):
            by_place = {begins(one, 1): one for one in (*first.overflowing[::-1], first)}
            windows.append([by_place[place] for place in sorted(by_place)[: options["max_windows"]]])
        return windows

    def is_cut(self, row: Row, encodings: Sequence[Encoding], max_length: int) -> bool:
        """Windows leave nothing out, unless there are more of them than are read; a question has its room."""
        made = 1 + max(len(one.overflowing) for one in encodings)
        ends = [
            end
            for (_, end), part in zip(encodings[0].offsets, encodings[0].sequence_ids, strict=True)
            if part == 0
        ]
        full = len(ends) >= question_room(max_length)
        return made > len(encodings) or (full and max(ends, default=0) < len(row["question"].rstrip()))

    def layout(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Layout:
        found = [context_tokens(encoding, row["context"]) for encoding in encodings]
        return {"first": [first for first, _ in found], "offsets": [offsets for _, offsets in found]}

    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        """The tokens of the first gold answer in every window that holds it whole."""
        if not row["answers"]:
            return [[NULL, NULL] for _ in encodings]
        answer = row["answers"][0]
        start, end = answer["start"], answer["start"] + len(answer["text"])
        found = [context_tokens(encoding, row["context"]) for encoding in encodings]
        complete = len(found) < facts["options"]["max_windows"]  # else the context may go on behind them
        edges = [(n == 0, complete and n == len(found) - 1) for n in range(len(found))]
        return [answer_tokens(window, start, end, edge) for window, edge in zip(found, edges, strict=True)]

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        """target_nM2."""
        import torch

        padded = np.full((len(targets), max(map(len, targets)), 2), ABSENT, dtype=np.int64)
        for row, target in enumerate(targets):
            padded[row, : len(target)] = target
        return torch.from_numpy(padded)

    # --- model ----------------------------------------------------------------------------------

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.span.head import SpanHead

        return SpanHead(hidden_size)

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        """logits_nML2, target_nM2: the mean of both ends' cross entropies, summed over windows.

        Each end is a row of its own: of classes in the middle of three dimensions CUDA has no deterministic
        sum (torch.use_deterministic_algorithms, NLLLoss).
        """
        from torch.nn.functional import cross_entropy

        logits_EL, target_E = logits.transpose(2, 3).flatten(0, 2), target.flatten()
        return cross_entropy(logits_EL, target_E, ignore_index=ABSENT, reduction="sum") / 2

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        """The mean of both ends' over the places where a span may start or end, summed over windows."""
        from components.device import sum_where
        from components.families.shared.divergence import categorical

        apart_nM2 = categorical(logits.transpose(-1, -2), others.transpose(-1, -2))
        return sum_where(apart_nM2, target != ABSENT) / 2

    def units(self, target: Any, facts: Facts) -> float:
        return float(len(target))

    # --- answers --------------------------------------------------------------------------------

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        """logits_ML2 -> the best span of all windows, or none where it does not beat no answer by the
        threshold. A task whose training questions all have an answer always answers, if it can."""
        options = facts["options"]
        null = float(logits[: len(layout["first"]), NULL].sum(-1).min())
        spans = [
            best_span(logits_L2[first:], offsets, options["max_answer_tokens"])
            for logits_L2, first, offsets in zip(logits, layout["first"], layout["offsets"], strict=False)
        ]
        score, start, end = max((span for span in spans if span), default=(null, None, None))
        if facts["unanswerable"] > 0 and score - null <= options["null_threshold"]:
            start = end = None
        return {"start": start, "end": end, "score": score - null}

    def respond(self, prediction: Prediction, row: Row, layout: Layout, facts: Facts) -> Prediction:
        return {"answer": answer_of(row, prediction), **prediction}

    # --- evaluation -----------------------------------------------------------------------------

    def label_set(self, facts: Facts) -> Mapping[str, Any]:
        """A model whose training questions all had an answer gives one to every question."""
        return dict.fromkeys([ANSWER, NO_ANSWER] if facts["unanswerable"] > 0 else [ANSWER])

    def labels_of(self, one: Row | Prediction, facts: Facts) -> Iterable[str]:
        there = bool(one["answers"]) if "answers" in one else one["start"] is not None
        return (ANSWER if there else NO_ANSWER,)

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """No answer, or the first N words of the context: what scores best on (up to 2,000) training rows."""

        def mean_f1(words: int) -> float:
            guesses = [first_words(row, words) for row in train[:2000]]
            return F1.measure(train[:2000], guesses, facts)

        best = max((0, 1, 2, 3, 5, 8, 12, 20), key=mean_f1)
        return [first_words(row, best) for row in test]

    def tfidf_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The sentence most like the question by TF-IDF, and in it the words (as many as an answer's
        median) that are rarest and not in the question. Nothing, where the sentence is less like the
        question than training leads one to expect of an answer."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=TERM)
        vectorizer.fit([row[role] for row in train for role in ("context", "question")])
        answers = [row["answers"][0]["text"] for row in train if row["answers"]]
        length = int(np.median([len(WORD.findall(answer)) for answer in answers]))
        least = -1.0
        if facts["unanswerable"]:
            alike = [likest_sentence(row, vectorizer)[0] for row in train]
            least = float(np.quantile(alike, facts["unanswerable"]))
        guesses = []
        for row in test:
            similarity, sentence = likest_sentence(row, vectorizer)
            guess = rarest_words(row, sentence, length, vectorizer)
            guesses.append(guess if similarity > least else {"start": None, "end": None})
        return guesses


def question_room(max_length: int) -> int:
    """Tokens of a question that are read: under half of a window, special tokens counted."""
    return max(0, (max_length - 8) // 2)


FAMILY = SpanExtraction()
