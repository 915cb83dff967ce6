"""From a request to questions and their tokens: what is asked of each text, checked before anything is
computed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from components import families
from components.errors import BadRowError, near_miss
from components.families.base import Family, Row
from components.families.base.capabilities import TeacherForcing
from serving.requests import BadRequestError

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

    from components.data.contract.cards import HeadCards
    from components.release.records import Limits

CHARACTERS = 4  # of a token, about
TOKENISED = 100  # tokens that become tokens in the time in which one is encoded, about
Answers = dict[str, BaseModel]  # to one text: task -> answer
Told = Callable[[str, BaseModel], None]  # of a task: its answer so far
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
    top: int | None  # so many of what the answer ranks
    share: float = 1.0  # of all that the request asks of this head
    encodings: list[Encoding] = field(default_factory=list)
    keys: list[Tokens] = field(default_factory=list)  # of the encodings


@dataclass
class Asked:
    """One text of a request with all that is asked of it: what is answered at once."""

    questions: list[Question]
    size: float  # tokens, about, until they are known
    tokenised: bool = False
    wanted: Callable[[], bool] = lambda: True  # whether somebody waits for it
    told: Told | None = None  # hears what is decoded, while it is

    @cached_property
    def decodes(self) -> bool:
        """Whether a task writes its answer word by word, which takes its time."""
        return any(isinstance(question.family, TeacherForcing) for question in self.questions)


class Reader:
    """Reads requests to one model. `items` may be called from any thread, `tokenise` from one: truncation is
    a setting of the tokenizer."""

    def __init__(self, cards: HeadCards, tokenizer: Tokenizer, limits: Limits) -> None:
        self.cards, self.tokenizer, self.limits = cards, tokenizer, limits
        # tokens of a text that is longer than any task reads
        self.longest = float(sum({card["max_length"] for card in cards.values()}))

    def items(
        self, texts: Sequence[str | BaseModel], names: Sequence[str] | None, top: int | None
    ) -> list[Asked]:
        """An item for every text, in their order.

        Raises:
            BadRequestError: an unknown task, too many or too long texts, a text of the wrong kind.
        """
        rows = list(map(row_of, texts))
        characters = self._check_texts(rows)
        self._check_names(names)
        asked = [self._asked(number, row, names) for number, row in enumerate(rows)]
        times = {head: sum(head in heads for heads in asked) for head in self.cards}
        return [
            self._item([self._question(number, head, row, top, times) for head in heads], length)
            for number, (row, heads, length) in enumerate(zip(rows, asked, characters, strict=True))
        ]

    def tokenise(self, item: Asked) -> None:
        """Each question at the cut of its own task, whatever is asked beside it. What fits the cuts of
        several tasks becomes tokens once.

        Raises:
            BadRequestError: nothing is left of a text.
        """
        known: dict[object, Question] = {}
        for question in sorted(item.questions, key=self._cut, reverse=True):
            same = known.setdefault(self._way(question), question)
            if same is question or max(map(len, same.encodings)) > self._cut(question):
                known[self._way(question)] = question
                question.encodings = self._encodings(question)
                question.keys = [(*one.ids, *one.type_ids) for one in question.encodings]
            else:
                question.encodings, question.keys = same.encodings, same.keys
        item.tokenised = True
        item.size = sum(map(len, distinct([item]).values()))

    def check_inputs(self, place: str, row: Row, name: str) -> None:
        """A text as a task reads it: its inputs and no others, none too long; `place` is where it stands in
        the request.

        Raises:
            BadRequestError: it is not.
        """
        self._check_fits(place, row, name)
        self._check_characters(place, row)

    def words(self, text: str) -> list[tuple[int, int]]:
        """Where the words of a text stand (start, end), as the tokenizer sees them before it cuts them up; to
        one that does not, what stands between blanks is a word."""
        if self.tokenizer.pre_tokenizer is None:
            return [found.span() for found in re.finditer(r"\S+", text)]
        pieces = self.tokenizer.pre_tokenizer.pre_tokenize_str(text)
        cut = [(end - len(text[start:end].lstrip()), end) for _, (start, end) in pieces]
        return [(start, end) for start, end in cut if start < end]

    def _item(self, questions: list[Question], characters: int) -> Asked:
        guess, cuts = characters / CHARACTERS, {self._cut(question) for question in questions}
        sequences = {min(guess + 2, cut) for cut in cuts}  # tasks that leave nothing of it out share one
        return Asked(questions, sum(sequences) + guess / TOKENISED)

    def _cut(self, question: Question) -> int:
        return self.cards[question.reader]["max_length"]

    def _way(self, question: Question) -> object:
        """Equal of questions with the same tokens, as long as none is cut off."""
        family = families.get(self.cards[question.reader]["family"])
        if family.row_encoding != "sequences":
            return question.reader
        how = {**self._truncation(question), "max_length": None}
        return tuple(family.sequences(question.read)), *how.items()

    def _truncation(self, question: Question) -> Mapping[str, Any]:
        card = self.cards[question.reader]
        options = card["facts"]["options"]
        return families.get(card["family"]).truncation(card["inputs"], card["max_length"], options)

    def _encodings(self, question: Question) -> list[Encoding]:
        card = self.cards[question.reader]
        self.tokenizer.enable_truncation(**self._truncation(question))
        family, options = families.get(card["family"]), card["facts"]["options"]
        (encodings,) = family.tokenise(self.tokenizer, [question.read], options)
        if not all(map(len, encodings)):
            raise BadRequestError(f"texts[{question.number}]: the tokenizer knows nothing in it")
        return encodings

    def _question(
        self, number: int, head: str, row: Row, top: int | None, times: Mapping[str, int]
    ) -> Question:
        card = self.cards[head]
        family = families.get(card["family"])
        try:
            own = family.read_input(row, card["facts"]["options"])
            family.check_question(own, card["facts"])
            reader, read = self._reader(head, row, own)
        except BadRowError as error:
            raise BadRequestError(f"texts[{number}]: {error}") from None
        return Question(number, head, family, own, reader, read, top, 1 / times[head])

    def _reader(self, head: str, item: Row, row: Row) -> tuple[str, Row]:
        """The head by whose family and options a question becomes tokens, and what that reads: a joint head
        has learnt from the tokens of the task whose rows it shares."""
        task = self.cards[head]["task"]
        if task == head or task not in self.cards:
            return head, row
        own = self.cards[task]
        return task, families.get(own["family"]).read_input(item, own["facts"]["options"])

    def _check_texts(self, rows: Sequence[Row]) -> list[int]:
        """The characters of each text."""
        most = self.limits.max_texts
        if not 0 < len(rows) <= most:
            raise BadRequestError(f"texts: found {len(rows)} texts, expected 1 to {most}")
        return [self._check_characters(f"texts[{number}]", row) for number, row in enumerate(rows)]

    def _check_characters(self, place: str, row: Row) -> int:
        """The characters of a text."""
        longest, characters = self.limits.max_characters, 0
        for key, text in strings(row):
            characters += len(text)
            if len(text) > longest:
                raise BadRequestError(
                    f"{place}: {key} has {len(text)} characters, expected at most {longest}"
                )
        return characters

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
        fitting = [name for name in self.cards if self._fits(item, name)]
        for name in names or ():
            self._check_fits(f"texts[{number}]", item, name)
        if not fitting:
            found = " and ".join(item) or "nothing"
            known = "; or ".join(sorted({" and ".join(card["inputs"]) for card in self.cards.values()}))
            raise BadRequestError(f"texts[{number}]: no task reads {found}; they read {known}")
        return [name for name in fitting if names is None or name in names]

    def _fits(self, row: Row, name: str) -> bool:
        """A text has the inputs of a task, and no others."""
        return set(self.cards[name]["inputs"]) == set(row)

    def _check_fits(self, place: str, row: Row, name: str) -> None:
        if not self._fits(row, name):
            expected, found = " and ".join(self.cards[name]["inputs"]), " and ".join(row) or "nothing"
            raise BadRequestError(f"{place}: task '{name}' reads {expected}, found {found}")


def row_of(text: str | BaseModel) -> Row:
    """A text of a request as a row: its inputs by their names."""
    return {"text": text} if isinstance(text, str) else text.model_dump(exclude_none=True)


def distinct(items: Sequence[Asked]) -> dict[Tokens, Encoding]:
    """The sequences of tokenised items, each once."""
    return {
        key: encoding
        for item in items
        for question in item.questions
        for key, encoding in zip(question.keys, question.encodings, strict=True)
    }


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
