"""A release, asked the candidate's test rows: it reads them with its own tokenizer, by its own cards.

Legend: N rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components import families
from components.data.contract import known_rows
from components.data.contract.cards import HeadCard, HeadCards, TaskCard, TaskHead
from components.data.encoding.encode import encode_to_ask
from components.data.encoding.split import EncodedSplit
from components.evaluation.records import Bar, Champion
from components.families.base import Prediction, Row
from components.model import saving
from components.model.inference import predict


class Opponent:
    """A released model that candidates are measured against."""

    def __init__(
        self,
        folder: Path,
        release: Champion,
        renamed: Mapping[str, str] | None = None,
        bar: Bar | None = None,
    ) -> None:
        """Load it from its model's folder; `renamed` are names of tasks: newer -> older; `bar` is what it had
        to reach, by the names of then.

        Raises:
            UserError: a file of the model's folder is missing or damaged.
        """
        self.release = release
        self.model = saving.load(folder)
        self.today = today = todays_names(self.model.config.tasks, renamed or {})
        saving.rename(self.model, today)
        self.tokenizer = folder / "tokenizer.json"
        self.cards: HeadCards = self.model.config.tasks
        known = known_rows.read(folder / known_rows.FILE)
        gates = {today.get(head, head): rule for head, rule in bar.gates.items()} if bar else {}
        self.bar = bar and bar.model_copy(update={"gates": gates})
        self.known_rows = known and {today.get(task, task): rows for task, rows in known.items()}

    def why_not(self, head: str, card: HeadCard, must: bool = False) -> str | None:
        """Why the candidate's head of this card cannot be compared with its own of that name; that it has
        none is a reason only where it `must`."""
        if head not in self.cards:
            return (
                "it does not answer it under this name, nor an older one of evaluation.renamed"
                if must
                else None
            )
        return why_not(self.cards[head], card)

    def predict(self, data: Path, cards: HeadCards, heads: Collection[str]) -> dict[str, list[Prediction]]:
        """Its predictions of the test rows of data/<task> that have these heads' targets, in their order;
        `cards` are the candidate's."""
        if not heads:
            return {}
        task = data.name
        with tempfile.TemporaryDirectory(prefix="onetrunk-champion-") as scratch:
            folder = Path(scratch) / task
            folder.mkdir()
            encode_to_ask(self.card_of(task, cards), heads, data, "test", self.tokenizer, folder)
            split = EncodedSplit(folder / "test.arrow")
            return predict(self.model, task, split, range(len(split)), heads)

    def test_set_since(self, data: Path) -> tuple[int, int] | None:
        """How many rows have come to the test set of data/<task> since, and how many have gone; None where
        the release does not know its rows."""
        known = (self.known_rows or {}).get(data.name)
        if known is None:
            return None
        return known_rows.come_and_gone(known.test_N, known_rows.test_rows(data))

    def training_set_since(self, data: Path) -> tuple[int, int] | None:
        """The same of the texts that it was trained on."""
        known = (self.known_rows or {}).get(data.name)
        if known is None:
            return None
        family = families.get(self.cards[data.name]["family"])
        return known_rows.come_and_gone(known.train_N, known_rows.known_rows(data, family).train_N)

    def learnt_from(self, task: str, rows: Sequence[Row]) -> np.ndarray:
        """learnt_N: which rows of the task have a text that it was trained on."""
        known = (self.known_rows or {}).get(task)
        if known is None:
            return np.zeros(len(rows), dtype=bool)
        return np.isin(known_rows.of_texts(rows, families.get(self.cards[task]["family"])), known.train_N)

    def card_of(self, task: str, cards: HeadCards) -> TaskCard:
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


def todays_names(known: Collection[str], renamed: Mapping[str, str]) -> dict[str, str]:
    """The names by which a release knows tasks that were renamed since, once or more often -> today's."""
    found = {}
    for today in renamed.keys() - set(renamed.values()):
        name = today
        while name not in known and name in renamed:
            name = renamed[name]
        if name != today and name in known:
            found[name] = today
    return found


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
