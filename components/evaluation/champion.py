"""The champion, asked the candidate's test rows: it reads them with its own tokenizer, by its own cards."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from components import families
from components.data.contract.cards import HeadCard, HeadCards, TaskCard, TaskHead
from components.data.encoding.encode import encode_to_ask
from components.data.encoding.split import EncodedSplit
from components.evaluation.records import Champion
from components.families.base import Prediction
from components.model import saving
from components.model.inference import predict


class Opponent:
    """A released model that candidates are measured against."""

    def __init__(self, folder: Path, release: Champion, renamed: Mapping[str, str] | None = None) -> None:
        """Load it from its model's folder; `renamed` are today's names of its tasks: today's -> its own.

        Raises:
            UserError: a file of the model's folder is missing or damaged.
        """
        self.release = release
        self.model = saving.load(folder)
        saving.rename(self.model, {own: today for today, own in (renamed or {}).items()})
        self.tokenizer = folder / "tokenizer.json"
        self.cards: HeadCards = self.model.config.tasks

    def differences(self, cards: HeadCards) -> dict[str, str]:
        """Why some of the candidate's heads cannot be compared with the champion's of their names."""
        found = {head: why_not(self.cards[head], card) for head, card in cards.items() if head in self.cards}
        return {head: why for head, why in found.items() if why is not None}

    def predict(self, data: Path, cards: HeadCards, heads: Collection[str]) -> dict[str, list[Prediction]]:
        """Its predictions of the test rows of data/<task> that have these heads' targets, in their order;
        `cards` are the candidate's."""
        if not heads:
            return {}
        task = data.name
        with tempfile.TemporaryDirectory(prefix="onetrunk-champion-") as scratch:
            folder = Path(scratch) / task
            folder.mkdir()
            encode_to_ask(self._card(task, cards), heads, data, "test", self.tokenizer, folder)
            split = EncodedSplit(folder / "test.arrow")
            return predict(self.model, task, split, range(len(split)), heads)

    def _card(self, task: str, cards: HeadCards) -> TaskCard:
        """Its card of the task, as encoding reads it."""
        own = {head: card for head, card in self.cards.items() if card["task"] == task}
        heads = {}
        for head, card in own.items():
            family, facts = families.get(card["family"]), card["facts"]
            if head in cards and why_not(card, cards[head]) is None:
                facts = family.facts_to_ask(facts, cards[head]["facts"])
            heads[head] = TaskHead(family=card["family"], facts=facts, rows={})
        max_length, inputs = own[task]["max_length"], own[task]["inputs"]
        return TaskCard(task=task, max_length=max_length, inputs=inputs, rows={}, heads=heads)


def why_not(known: HeadCard, card: HeadCard) -> str | None:
    """Why a champion's head cannot be measured on the rows of the candidate's of its name; else None."""
    for noun, before, after in (
        ("rows", known["task"], card["task"]),
        ("family", known["family"], card["family"]),
        ("inputs", known["inputs"], card["inputs"]),
    ):
        if before != after:
            return f"its {noun} changed from {_said(before)} to {_said(after)}"
    return families.get(card["family"]).changed(known["facts"], card["facts"])


def _said(value: Any) -> str:
    return " and ".join(value) if isinstance(value, list | tuple) else str(value)
