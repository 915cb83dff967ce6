"""Rows of a file -> answers, sorted by length within a window, so that little is padded."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components import families
from components.data.sources.record import Values
from components.errors import UserError, near_miss
from components.families.base import Prediction
from components.files import verify_manifest
from components.model import saving
from flows.predicting.reading import Record
from serving.requests import BadRequestError, parse

if TYPE_CHECKING:
    from serving.predictor import Predictor

WINDOW = 4096, 8_000_000  # rows, and characters, of which none is answered before all are read
TOGETHER = 256, 100_000  # rows, and characters, whose states are in memory at a time
Answers = dict[str, Prediction]  # task -> its answer


class Answerer:
    """A model, which of its tasks are asked, and the columns that they read."""

    def __init__(self, bundle: Path, tasks: Sequence[str] | None, columns: Mapping[str, str]) -> None:
        """`columns`: a task's input -> the column that it stands in, where that has another name.

        Raises:
            UserError: the bundle is damaged, or a task or an input is unknown.
        """
        self.bundle = bundle
        verify_manifest(bundle)
        cards = saving.cards(bundle)
        for name in tasks or ():
            if name not in cards:
                known = ", ".join(cards)
                raise UserError(
                    f"--task: unknown task '{name}'{near_miss(name, cards)}; expected some of {known}"
                )
        self.cards = {name: card for name, card in cards.items() if tasks is None or name in tasks}
        self.groups: dict[tuple[str, ...], list[str]] = {}  # inputs -> the tasks that read them
        for name, card in self.cards.items():
            self.groups.setdefault(tuple(sorted(card["inputs"])), []).append(name)
        self.columns = {name: columns.get(name, name) for inputs in self.groups for name in inputs}
        if unknown := next((name for name in columns if name not in self.columns), None):
            known = ", ".join(sorted(self.columns))
            raise UserError(
                f"--column: no task reads '{unknown}'{near_miss(unknown, self.columns)}; they read {known}"
            )
        self.structured = {
            name for card in self.cards.values() for name in card["inputs"]
            if families.get(card["family"]).request.model_fields[name].annotation is not str
        }  # fmt: skip

    @cached_property
    def predictor(self) -> Predictor:
        """The model: it takes seconds to load, and what is asked wrongly is known without it.

        Raises:
            UserError: it cannot be loaded.
        """
        from serving.predictor import UNLIMITED, Predictor

        found = Predictor(self.bundle)
        found.limits = UNLIMITED  # those are for callers
        found.quicken()
        return found

    def fits(self, fields: Values) -> list[tuple[str, ...]]:
        """The inputs that a row holds, of each group of tasks."""
        return [
            inputs
            for inputs in self.groups
            if all(fields.get(self.columns[name]) is not None for name in inputs)
        ]

    def missing(self, columns: Collection[str]) -> dict[tuple[str, ...], list[str]]:
        """The inputs that none of these columns holds, of each group of tasks."""
        return {
            inputs: [name for name in inputs if self.columns[name] not in columns] for inputs in self.groups
        }

    def expected(self) -> str:
        """The columns that a row is asked for, in words."""
        return "; or ".join(" and ".join(self.columns[name] for name in inputs) for inputs in self.groups)

    def answer(self, window: Sequence[Record]) -> list[Answers]:
        """The answers to each row, in order; why a row has none is written into it."""
        answers: list[Answers] = [{} for _ in window]
        readable = [place for place, record in enumerate(window) if record.error is None]
        for place in readable:
            if not self.fits(window[place].fields):
                window[place].error = f"nothing to read, expected {self.expected()}"
        for inputs, tasks in self.groups.items():
            asked = [place for place in readable if inputs in self.fits(window[place].fields)]
            items = {place: self._item(window[place], inputs) for place in asked}
            asked = sorted((place for place in asked if items[place]), key=lambda one: _length(items[one]))
            for places in _pieces(asked, [_length(items[place]) for place in asked], *TOGETHER):
                found = self._ask([items[place] for place in places], tasks)
                for place, one in zip(places, found, strict=True):
                    if isinstance(one, str):
                        window[place].error = one
                    else:
                        answers[place] |= one
        return answers

    def _item(self, record: Record, inputs: Sequence[str]) -> Any:
        """What the tasks read of a row; None where it is not of the kind that they read."""
        question = {name: self._value(name, record.fields[self.columns[name]]) for name in inputs}
        try:
            asked = json.dumps({"texts": [question]}, ensure_ascii=False, default=_not_json).encode()
            (item,) = parse(asked).texts
        except UnicodeEncodeError:
            record.error = "half a character (a lone surrogate)"
            return None
        except RecursionError:
            record.error = "nested too deeply"
            return None
        except (BadRequestError, TypeError) as error:
            record.error = str(error).removeprefix("texts[0].")
            return None
        return item

    def _value(self, name: str, value: Any) -> Any:
        """A list or an object that a table holds as JSON."""
        if name in self.structured and isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
            try:
                return json.loads(value)
            except (ValueError, RecursionError):
                return value
        return value

    def _ask(self, items: Sequence[Any], tasks: Sequence[str]) -> list[Answers | str]:
        """Each item's answers, or why it has none: one that cannot be answered is found by halving."""
        try:
            found = self.predictor.predict(items, tasks)
        except BadRequestError as error:
            if len(items) == 1:
                return [str(error).removeprefix("texts[0]: ")]
            half = len(items) // 2
            return [*self._ask(items[:half], tasks), *self._ask(items[half:], tasks)]
        return [{task: answer.model_dump() for task, answer in one.items()} for one in found]


def _not_json(value: Any) -> Any:
    raise TypeError(f"found {type(value).__name__}, expected text")


def windows(records: Iterable[Record]) -> Iterator[list[Record]]:
    """The rows in windows that do not depend on when the command was given."""
    most, longest = WINDOW
    window: list[Record] = []
    characters = 0
    for record in records:
        window.append(record)
        characters += _length(record.fields)
        if len(window) == most or characters >= longest:
            yield window
            window, characters = [], 0
    if window:
        yield window


def _pieces(places: Sequence[int], lengths: Sequence[int], most: int, longest: int) -> Iterator[list[int]]:
    piece: list[int] = []
    characters = 0
    for place, length in zip(places, lengths, strict=True):
        if piece and (len(piece) == most or characters + length > longest):
            yield piece
            piece, characters = [], 0
        piece.append(place)
        characters += length
    if piece:
        yield piece


def _length(what: Any) -> int:
    """Characters of a row's values, or of an item."""
    values = what.values() if isinstance(what, dict) else what.model_dump(exclude_none=True).values()
    return sum(len(value) if isinstance(value, str) else len(str(value)) for value in values)
