"""Texts in, answers out: one encoder pass for all the tasks that are asked of a text.

Legend: B rows of a batch (texts of similar length), L tokens, C outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel
from tokenizers import Encoding, Tokenizer

from components import tasks
from components.errors import near_miss
from components.files import read_json, verify_manifest
from components.model.multitask import load
from serving.schemas import BadRequestError, TextItem

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
        encodings = self.tokenizer.encode_batch(
            [item.text if item.text_pair is None else (item.text, item.text_pair) for item in items]
        )
        answers: list[dict[str, BaseModel]] = [{} for _ in items]
        for batch in batches([len(encoding) for encoding in encodings]):
            logits = self._logits([encodings[row] for row in batch], [asked[row] for row in batch])
            for row, of_task in zip(batch, logits, strict=True):
                answers[row] = {
                    name: self._answer(name, values, encodings[row], items[row].text)
                    for name, values in of_task.items()
                }
        return answers

    def _answer(self, name: str, logits: np.ndarray, encoding: Encoding, text: str) -> BaseModel:
        family = tasks.get(self.cards[name]["family"])
        return family.response.model_validate(
            family.answer(logits, encoding, text, self.cards[name]["facts"])
        )

    @torch.inference_mode()
    def _logits(
        self, encodings: Sequence[Encoding], asked: Sequence[Sequence[str]]
    ) -> list[dict[str, np.ndarray]]:
        """Per row, task -> logits_C or logits_LC, padding cut off; every task sees its own rows only."""
        rows: dict[str, list[int]] = {}
        for row, names in enumerate(asked):
            for name in names:
                rows.setdefault(name, []).append(row)
        outputs = self.model(*pad(encodings), {name: torch.tensor(index) for name, index in rows.items()})
        logits: list[dict[str, np.ndarray]] = [{} for _ in encodings]
        for name, index in rows.items():
            for row, output in zip(index, outputs[name].numpy(), strict=True):
                logits[row][name] = output[: len(encodings[row])] if output.ndim == 2 else output
        return logits

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
