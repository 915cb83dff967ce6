"""Texts in, answers out: one encoder pass for all the tasks that are asked of a text and cut it alike.

Legend: B sequences of a batch (of similar length), L tokens, D hidden width.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel
from tokenizers import Encoding, Tokenizer
from torch.nn.utils.rnn import pad_sequence

from components import families
from components.data.batches.tensors import Rows, pad
from components.data.contract.cards import HeadCards
from components.errors import BadRowError, near_miss
from components.families.base import Facts, Family, Row
from components.families.base.capabilities import extra_inputs_of, is_multi_sequence
from components.files import verify_manifest
from components.model.saving import load
from components.release.records import BundleCard, Limits
from serving.requests import BadRequestError

TOKENS_PER_BATCH = 4096  # padding included: bounds memory whatever the request
UNLIMITED = Limits(
    max_texts=sys.maxsize, max_characters=sys.maxsize, max_body_bytes=sys.maxsize
)  # no service, no callers
Tokens = tuple[int, ...]  # a sequence's token and segment ids: equal ones are encoded once


@dataclass
class Question:
    """One task asked of one text."""

    number: int  # of the text in the request
    head: str
    family: Family
    row: Row
    reader: str  # the head by whose family and options it becomes tokens
    read: Row  # what that reads of it
    encodings: list[Encoding]


class Predictor:
    """The bundle's model. Not thread-safe: truncation is a setting of the tokenizer."""

    def __init__(self, bundle: Path) -> None:
        """Verify the bundle, or a model that was trained and not packaged, then load it.

        Raises:
            UserError: a file of the bundle is missing, truncated or altered.
        """
        verify_manifest(bundle)
        card = bundle / "card.json"
        self.limits = BundleCard.read(card).limits if card.is_file() else UNLIMITED
        self.model = load(bundle)
        self.cards: HeadCards = self.model.config.tasks
        self.tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
        self.tokenizer.no_padding()
        self._encode([self.tokenizer.encode("ready")])  # the first caller shall not wait

    def predict(
        self,
        texts: Sequence[str | BaseModel],
        names: Sequence[str] | None = None,
        top: int | None = None,
    ) -> list[dict[str, BaseModel]]:
        """Answer every text: task -> answer, in the order of the request; of what an answer ranks (labels,
        templates), the `top` best.

        Raises:
            BadRequestError: an unknown task, too many or too long texts, a text of the wrong kind.
        """
        items = [
            {"text": text} if isinstance(text, str) else text.model_dump(exclude_none=True) for text in texts
        ]
        self._check_texts(items)
        self._check_names(names)
        questions = [
            self._question(number, head, item)
            for number, item in enumerate(items)
            for head in self._asked(number, item, names)
        ]
        self._tokenise(questions)
        hidden = self._encode([encoding for question in questions for encoding in question.encodings])
        answers: list[dict[str, BaseModel]] = [{} for _ in items]
        for head in self.cards:
            asked = [question for question in questions if question.head == head]
            for batch in batches([shape_of(question.encodings) for question in asked]):
                together = [asked[row] for row in batch]
                share = len(together) / len(asked)
                found = self._answers(together, hidden, share, top)
                for question, answer in zip(together, found, strict=True):
                    answers[question.number][head] = answer
        return answers

    def words(self, text: str) -> list[tuple[int, int]]:
        """Where the words of a text stand (start, end), as the tokenizer sees them before it cuts them up."""
        pieces = self.tokenizer.pre_tokenizer.pre_tokenize_str(text)
        cut = [(end - len(text[start:end].lstrip()), end) for _, (start, end) in pieces]
        return [(start, end) for start, end in cut if start < end]

    def _question(self, number: int, head: str, item: Row) -> Question:
        card = self.cards[head]
        family = families.get(card["family"])
        try:
            row = family.read_input(item, card["facts"]["options"])
            family.check_question(row, card["facts"])
            return Question(number, head, family, row, *self._reader(head, item, row), [])
        except BadRowError as error:
            raise BadRequestError(f"texts[{number}]: {error}") from None

    def _reader(self, head: str, item: Row, row: Row) -> tuple[str, Row]:
        """The head by whose family and options a question becomes tokens, and what that reads: a joint head
        has learnt from the tokens of the task whose rows it shares."""
        task = self.cards[head]["task"]
        if task == head or task not in self.cards:
            return head, row
        own = self.cards[task]
        return task, families.get(own["family"]).read_input(item, own["facts"]["options"])

    def _tokenise(self, questions: Sequence[Question]) -> None:
        """Each question at the cut of its own task, whatever is asked beside it. Tasks that cut a text alike
        have the same tokens, which are encoded once."""
        alike: dict[str, list[Question]] = {}
        for question in questions:
            alike.setdefault(question.reader, []).append(question)
        for reader, group in alike.items():
            card, options = self.cards[reader], self.cards[reader]["facts"]["options"]
            family = families.get(card["family"])
            self.tokenizer.enable_truncation(**family.truncation(card["inputs"], card["max_length"], options))
            for question in group:
                (question.encodings,) = family.tokenise(self.tokenizer, [question.read], options)
                if not all(map(len, question.encodings)):
                    raise BadRequestError(f"texts[{question.number}]: the tokenizer knows nothing in it")

    @torch.inference_mode()
    def _encode(self, encodings: Sequence[Encoding]) -> dict[Tokens, torch.Tensor]:
        """The encoder's states of every distinct sequence: hidden_LD, padding cut off."""
        distinct = {tokens_of(encoding): encoding for encoding in encodings}
        keys, sequences = list(distinct), list(distinct.values())
        hidden: dict[Tokens, torch.Tensor] = {}
        for batch in batches([shape_of([encoding]) for encoding in sequences]):
            tensors = pad([(sequences[row].ids, sequences[row].type_ids) for row in batch])
            for row, states in zip(batch, self.model.encode(*tensors), strict=True):
                hidden[keys[row]] = states[: len(sequences[row])]
        return hidden

    @torch.inference_mode()
    def _answers(
        self,
        questions: Sequence[Question],
        hidden: Mapping[Tokens, torch.Tensor],
        share: float,
        top: int | None,
    ) -> list[BaseModel]:
        """A head over the states of its questions' sequences; `share` of what it is asked in the request."""
        head, family = questions[0].head, questions[0].family
        card = self.cards[head]
        facts = card["facts"]
        counts = [len(question.encodings) for question in questions]
        states = [hidden[tokens_of(one)] for question in questions for one in question.encodings]
        states_BLD = pad_sequence(states, batch_first=True)
        mask_BL = pad_sequence([torch.ones(len(one), dtype=torch.int64) for one in states], batch_first=True)
        numbers = iter(range(len(states)))
        places = [list(itertools.islice(numbers, count)) for count in counts]
        extra = [extra_inputs_of(family, question.row, question.encodings, facts) for question in questions]
        rows = Rows.of(places, is_multi_sequence(family, card["inputs"]), extra)
        logits = self.model.answer(head, states_BLD, mask_BL, rows, share).numpy()
        return [
            self._respond(question, values, facts, top)
            for question, values in zip(questions, logits, strict=True)
        ]

    @staticmethod
    def _respond(question: Question, logits: np.ndarray, facts: Facts, top: int | None) -> BaseModel:
        family, row = question.family, question.row
        layout = family.layout(row, question.encodings, facts)
        prediction = family.decode(logits, layout, facts)
        answer = family.respond(prediction, row, layout, facts)
        return family.response.model_validate(answer if top is None else family.best_of(answer, top))

    def _check_texts(self, items: Sequence[Row]) -> None:
        most, longest = self.limits.max_texts, self.limits.max_characters
        if not 0 < len(items) <= most:
            raise BadRequestError(f"texts: found {len(items)} texts, expected 1 to {most}")
        for number, item in enumerate(items):
            for key, text in strings(item):
                if len(text) > longest:
                    raise BadRequestError(
                        f"texts[{number}]: {key} has {len(text)} characters, expected at most {longest}"
                    )

    def _check_names(self, names: Sequence[str] | None) -> None:
        if names is not None and not names:
            raise BadRequestError("tasks: empty; leave it out to ask all tasks")
        for name in names or ():
            if name not in self.cards:
                known = ", ".join(self.cards)
                raise BadRequestError(
                    f"tasks: unknown task '{name:.60}'{near_miss(name, self.cards)}; expected some of {known}"
                )

    def _asked(self, number: int, item: Row, names: Sequence[str] | None) -> list[str]:
        """The tasks to answer for an item: those named, or all that read what it holds."""
        fitting = [name for name, card in self.cards.items() if set(card["inputs"]) == set(item)]
        found = " and ".join(item) or "nothing"
        for name in names or ():
            if name not in fitting:
                expected = " and ".join(self.cards[name]["inputs"])
                raise BadRequestError(f"texts[{number}]: task '{name}' reads {expected}, found {found}")
        if not fitting:
            known = "; or ".join(sorted({" and ".join(card["inputs"]) for card in self.cards.values()}))
            raise BadRequestError(f"texts[{number}]: no task reads {found}; they read {known}")
        return [name for name in fitting if names is None or name in names]


def tokens_of(encoding: Encoding) -> Tokens:
    """What the encoder sees of a sequence."""
    return (*encoding.ids, *encoding.type_ids)


def strings(value: Any, key: str = "text") -> Iterator[tuple[str, str]]:
    """(key, string) of every string in an item, however deep."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)


def shape_of(encodings: Sequence[Encoding]) -> tuple[int, int]:
    """How many sequences, and the length of the longest."""
    return len(encodings), max(map(len, encodings))


def batches(shapes: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Numbers of rows (sequences, length), the smallest first, in batches of at most TOKENS_PER_BATCH tokens
    with padding."""
    batch: list[int] = []
    longest = 0
    for row in sorted(range(len(shapes)), key=lambda row: shapes[row]):
        sequences, length = shapes[row]
        if batch and (len(batch) + 1) * sequences * max(longest, length) > TOKENS_PER_BATCH:
            yield batch
            batch, longest = [], 0
        batch.append(row)
        longest = max(longest, length)
    if batch:
        yield batch
