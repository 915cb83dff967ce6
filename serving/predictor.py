"""Texts in, answers out: one encoder pass for all the tasks that are asked of a text and cut it alike.

Legend: B sequences of a batch (of similar length), L tokens, D hidden width.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel
from tokenizers import Encoding, Tokenizer
from torch.nn.utils.rnn import pad_sequence

from components import families
from components.data.batches.tensors import Rows, pad
from components.data.contract.cards import HeadCards
from components.families.base import Facts
from components.families.base.capabilities import Follow, extra_inputs_of, is_multi_sequence
from components.families.shared.heads import PerToken, Pooling
from components.files import verify_manifest
from components.model.fused import fused
from components.model.products import lay_out
from components.model.runtimes import EAGER, Running, begin, tokens_per_pass
from components.model.saving import load, own
from components.release.records import RUNTIMES, BundleCard, Limits, RuntimeReport
from serving import apart
from serving.questions import Answers, Asked, Question, Reader, Tokens, distinct
from serving.requests import BadRequestError, Item

LOG = logging.getLogger("bentoml")
TOKENS_PER_BATCH = 4096  # padding included: bounds memory whatever the request
TOLD_SECONDS = 0.05  # between two answers so far: the eye reads no faster
UNLIMITED = Limits(
    max_texts=sys.maxsize,
    max_characters=sys.maxsize,
    max_body_bytes=sys.maxsize,
    max_wait_seconds=float(sys.maxsize),
    max_requests_per_client=sys.maxsize,
)  # no service, no callers


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
        self.bundle, self.running = bundle, Running(EAGER, EAGER)
        self.model = load(bundle)
        own(self.model)
        self.cards: HeadCards = self.model.config.tasks
        self.tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
        self.tokenizer.no_padding()
        self._encode({(): self.tokenizer.encode("ready")})  # the first caller shall not wait

    def warm_up(self) -> None:
        """Make ready for many callers: the bundle's runtime, the products by the faster library, and every
        task asked once, so that the first caller does not wait for what is imported at first use. The model
        cannot be saved then."""
        self._begin_runtime()
        self.quicken()
        for head, card in self.cards.items():
            fields = {"text": "ready", "text_pair": "ready", "turns": ["ready"]}
            fields |= families.get(card["family"]).example[0]
            question = Item.model_validate({name: fields.get(name) for name in card["inputs"]})
            with contextlib.suppress(BadRequestError):  # not every task can be asked its family's example
                self.predict([question], [head])

    def quicken(self) -> None:
        """Compute by what is fastest on this machine; the model can be neither trained nor saved then."""
        if self.model.packs and self.model.runtime is None and (states := fused(self.model.encoder)):
            self.model.answer_by(states)
        lay_out(self.model)

    def _begin_runtime(self) -> None:
        """What the bundle was built with, where this machine can; it says so where it cannot."""
        report = self.bundle / RUNTIMES
        if not report.is_file():
            return
        found = RuntimeReport.read(report)
        why = apart.why_not(self.bundle, found)
        self.running = running = (
            begin(self.model, found.chosen, self.bundle, found.most_difference)
            if why is None
            else Running(EAGER, found.chosen, why)
        )
        if running.why is not None:
            LOG.warning("the runtime is eager instead of %s: %s", running.wanted, running.why)

    @property
    def tokens_per_pass(self) -> int:
        """Tokens of many callers that are best answered at once."""
        return tokens_per_pass(self.running.name)

    @property
    def reader(self) -> Reader:
        """Of requests to this model."""
        return Reader(self.cards, self.tokenizer, self.limits)

    def predict(
        self,
        texts: Sequence[str | BaseModel],
        names: Sequence[str] | None = None,
        top: int | None = None,
    ) -> list[Answers]:
        """Answer every text: task -> answer, in the order of the request; of what an answer ranks (labels,
        templates), the `top` best.

        Raises:
            BadRequestError: an unknown task, too many or too long texts, a text of the wrong kind.
        """
        reader = self.reader
        items = reader.items(texts, names, top)
        for item in items:
            reader.tokenise(item)
        return self.answer(items)

    def answer(self, items: Sequence[Asked], between: Callable[[], None] = lambda: None) -> list[Answers]:
        """The answers to tokenised items, of one request or of many, in their order. `between` two steps of a
        task that decodes something else may be done."""
        hidden = self._encode(distinct(items))
        means = self._means(hidden)
        answers: list[Answers] = [{} for _ in items]
        for head in self.cards:
            asked = [(place, q) for place, item in enumerate(items) for q in item.questions if q.head == head]
            for batch in batches([shape_of(question.encodings) for _, question in asked]):
                questions = [asked[row][1] for row in batch]
                told = self._telling([items[asked[row][0]] for row in batch], questions, between)
                pooled = isinstance(self.model.heads[head], Pooling)
                found = self._answers(questions, means if pooled else hidden, told)
                for row, answer in zip(batch, found, strict=True):
                    answers[asked[row][0]][head] = answer
        return answers

    @torch.inference_mode()
    def _encode(self, sequences: Mapping[Tokens, Encoding]) -> dict[Tokens, torch.Tensor]:
        """The encoder's states of every sequence: hidden_LD."""
        keys, encodings = list(sequences), list(sequences.values())
        hidden: dict[Tokens, torch.Tensor] = {}
        for batch in batches([shape_of([encoding]) for encoding in encodings]):
            tensors = pad([(encodings[row].ids, encodings[row].type_ids) for row in batch])
            hidden |= zip((keys[row] for row in batch), self.model.encode_each(*tensors), strict=True)
        return hidden

    @torch.inference_mode()
    def _means(self, hidden: Mapping[Tokens, torch.Tensor]) -> dict[Tokens, torch.Tensor]:
        """mean_1D of every sequence, for heads that see no more of it."""
        return {key: states_LD.mean(0, keepdim=True) for key, states_LD in hidden.items()}

    @torch.inference_mode()
    def _answers(
        self, questions: Sequence[Question], hidden: Mapping[Tokens, torch.Tensor], follow: Follow
    ) -> list[BaseModel]:
        """A head over the states of its questions' sequences."""
        head = questions[0].head
        facts = self.cards[head]["facts"]
        states = [hidden[key] for question in questions for key in question.keys]
        if isinstance(module := self.model.heads[head], PerToken):
            logits = torch.split(module(torch.cat(states), None), [len(one) for one in states])
        else:
            logits = self._of_rows(questions, states, follow).unbind()
        return [
            self._respond(question, one.numpy(), facts)
            for question, one in zip(questions, logits, strict=True)
        ]

    def _of_rows(
        self, questions: Sequence[Question], states: list[torch.Tensor], follow: Follow
    ) -> torch.Tensor:
        """A head's logits, from the states of its rows' sequences: hidden_LD of each."""
        head, family = questions[0].head, questions[0].family
        card = self.cards[head]
        counts = [len(question.encodings) for question in questions]
        states_BLD = pad_sequence(states, batch_first=True)
        mask_BL = pad_sequence([torch.ones(len(one), dtype=torch.int64) for one in states], batch_first=True)
        numbers = iter(range(len(states)))
        places = [list(itertools.islice(numbers, count)) for count in counts]
        extra = [
            extra_inputs_of(family, question.row, question.encodings, card["facts"]) for question in questions
        ]
        rows = Rows.of(places, is_multi_sequence(family, card["inputs"]), extra)
        share = min(1.0, sum(question.share for question in questions))
        return self.model.answer(head, states_BLD, mask_BL, rows, share, follow)

    def _telling(
        self, items: Sequence[Asked], questions: Sequence[Question], between: Callable[[], None]
    ) -> Follow:
        """Tells whoever asked what is decoded of each question so far, and goes on for who still waits."""
        facts, last = self.cards[questions[0].head]["facts"], 0.0

        def follow(token_nT: torch.Tensor) -> list[bool]:
            nonlocal last
            if (now := time.monotonic()) - last >= TOLD_SECONDS:
                last = now
                for item, question, token_T in zip(items, questions, token_nT, strict=True):
                    if item.told:
                        item.told(question.head, self._respond(question, token_T.numpy(), facts))
            between()
            return [item.wanted() for item in items]

        return follow

    @staticmethod
    def _respond(question: Question, logits: np.ndarray, facts: Facts) -> BaseModel:
        family, row, top = question.family, question.row, question.top
        layout = family.layout(row, question.encodings, facts)
        prediction = family.decode(logits, layout, facts)
        answer = family.respond(prediction, row, layout, facts)
        return family.response.model_validate(answer if top is None else family.best_of(answer, top))


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
