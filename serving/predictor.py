"""Texts in, answers out: one encoder pass for all the tasks that are asked of a text.

Legend: B sequences of a batch (of similar length), L tokens, D hidden width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel
from tokenizers import Encoding, Tokenizer
from torch.nn.utils.rnn import pad_sequence

from components import tasks
from components.errors import near_miss
from components.files import read_json, verify_manifest
from components.model.multitask import load
from serving.schemas import BadRequestError, TextItem

Input = str | tuple[str, str]  # one sequence for the encoder
TOKENS_PER_BATCH = 4096  # padding included: bounds memory whatever the request


class Predictor:
    """The bundle's model. Not thread-safe: truncation is a setting of the tokenizer."""

    def __init__(self, bundle: Path) -> None:
        """Verify the bundle, then load it.

        Raises:
            UserError: a file of the bundle is missing, truncated or altered.
        """
        verify_manifest(bundle)
        self.limits: dict[str, int] = read_json(bundle / "card.json")["limits"]
        self.model = load(bundle)
        self.cards: dict[str, dict[str, Any]] = self.model.config.tasks
        self.tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
        self.tokenizer.no_padding()
        for pair in {card["pair"] for card in self.cards.values()}:  # the first caller shall not wait
            self.predict([TextItem(text="ready", text_pair="ready" if pair else None)], None)

    def predict(
        self, texts: Sequence[str | TextItem], names: Sequence[str] | None
    ) -> list[dict[str, BaseModel]]:
        """Answer every text: task -> answer, in the order of the request.

        Raises:
            BadRequestError: an unknown task, too many or too long texts, a text of the wrong kind.
        """
        items = [TextItem(text=text) if isinstance(text, str) else text for text in texts]
        self._check_texts(items)
        self._check_names(names)
        asked = [self._asked(number, item, names) for number, item in enumerate(items)]
        longest = max(self.cards[name]["max_length"] for row in asked for name in row)
        self.tokenizer.enable_truncation(longest)
        inputs: dict[Input, int] = {}  # every distinct sequence once, whichever tasks and texts ask for it
        for item, names_of_item in zip(items, asked, strict=True):
            for name in names_of_item:
                for sequence in self._inputs(name, item):
                    inputs.setdefault(sequence, len(inputs))
        encodings = self.tokenizer.encode_batch(list(inputs))
        hidden = self._encode(encodings)
        answers: list[dict[str, BaseModel]] = [{} for _ in items]
        for item, names_of_item, answer in zip(items, asked, answers, strict=True):
            for name in names_of_item:
                places = [inputs[sequence] for sequence in self._inputs(name, item)]
                answer[name] = self._answer(name, item, [hidden[p] for p in places], encodings[places[0]])
        return answers

    def _inputs(self, name: str, item: TextItem) -> list[Input]:
        """The sequences that a task reads of an item: a pair is one, or two where its texts stand apart."""
        if item.text_pair is None:
            return [item.text]
        if tasks.get(self.cards[name]["family"]).apart:
            return [item.text, item.text_pair]
        return [(item.text, item.text_pair)]

    @torch.inference_mode()
    def _encode(self, encodings: Sequence[Encoding]) -> list[torch.Tensor]:
        """The encoder's states of every sequence: hidden_LD, padding cut off."""
        hidden: list[torch.Tensor] = [torch.empty(0)] * len(encodings)
        for batch in batches([len(encoding) for encoding in encodings]):
            hidden_BLD = self.model.encode(*pad([encodings[row] for row in batch]))
            for row, states in zip(batch, hidden_BLD, strict=True):
                hidden[row] = states[: len(encodings[row])]
        return hidden

    @torch.inference_mode()
    def _answer(self, name: str, item: TextItem, hidden: list[torch.Tensor], encoding: Encoding) -> BaseModel:
        """A task's head over an item's one sequence or two."""
        family = tasks.get(self.cards[name]["family"])
        states = pad_sequence(hidden, batch_first=True)
        mask = pad_sequence([torch.ones(len(one), dtype=torch.int64) for one in hidden], batch_first=True)
        if len(hidden) > 1:
            states, mask = states.unsqueeze(0), mask.unsqueeze(0)  # [1, 2, L, D]
        logits = self.model.heads[name](states, mask)[0].numpy()
        facts = self.cards[name]["facts"]
        return family.response.model_validate(family.answer(logits, encoding, item.text, facts))

    def _check_texts(self, items: Sequence[TextItem]) -> None:
        most, longest = self.limits["max_texts"], self.limits["max_characters"]
        if not 0 < len(items) <= most:
            raise BadRequestError(f"texts: found {len(items)} texts, expected 1 to {most}")
        for number, item in enumerate(items):
            for key, text in item.model_dump(exclude_none=True).items():
                if not text.strip():
                    raise BadRequestError(f"texts[{number}]: {key} is empty")
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

    def _asked(self, number: int, item: TextItem, names: Sequence[str] | None) -> list[str]:
        """The tasks to answer for an item: those named, or all that take its kind."""
        pair = item.text_pair is not None
        fitting = [name for name, card in self.cards.items() if card["pair"] == pair]
        for name in names or ():
            if name not in fitting:
                found = (
                    "takes one text, but text_pair is given"
                    if pair
                    else "compares two texts, but text_pair is missing"
                )
                raise BadRequestError(f"texts[{number}]: task '{name}' {found}")
        if not fitting:
            raise BadRequestError(
                f"texts[{number}]: no task {'takes a text_pair' if pair else 'does without text_pair'}"
            )
        return [name for name in fitting if names is None or name in names]


def pad(encodings: Sequence[Encoding]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(input_ids_BL, mask_BL, segment_ids_BL), L the longest text's length; padding is 0."""
    longest = max(len(encoding) for encoding in encodings)
    padded = np.zeros((3, len(encodings), longest), dtype=np.int64)
    for row, encoding in enumerate(encodings):
        padded[:, row, : len(encoding)] = encoding.ids, encoding.attention_mask, encoding.type_ids
    ids, mask, segments = torch.from_numpy(padded)
    return ids, mask, segments


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Row numbers, shortest text first, in batches of at most TOKENS_PER_BATCH tokens with padding."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if batch and (len(batch) + 1) * lengths[row] > TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(row)
    yield batch
