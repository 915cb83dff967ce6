"""What the values of a column look like, whatever they mean."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from components.data.propose.amounts import Written
from components.data.propose.names import SPLITS, words_in
from components.data.sources.numbers import Decimal
from components.families.multi_label import family as multi_label
from components.spelling import plain

# Scripts that put no spaces between words: kana, Chinese characters, and Thai, Lao, Khmer, Burmese.
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
HOLDS = {word for word, holds in multi_label.HOLDS.items() if holds}
MARKS = ({"0", "1"}, {"0.0", "1.0"}, {"false", "true"}, {"no", "yes"}, {"n", "y"}, {"f", "t"})
SAMPLED = 1000  # rows from which on they may be a sample
TIMES = ((9e8, 2.1e9), (9e11, 2.1e12))  # seconds and milliseconds since 1970, from 1998 to 2036
DATE = re.compile(r"(\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{4})([ T]\d\d?:\d\d.*)?")
WRITTEN_DATE = re.compile(  # Mon Apr 06 22:19:45 PDT 2009; 09 5, 2016; 1 May 2024
    r"(?i)(?=.*\d{4})(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?\s+)?"
    r"(?:\d{1,2}\s+(?:\d{1,2},\s+\d{4})|[\d\s]*(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
    r"[\s\d:,.+-]*(?:[a-z]{2,4}\b)?[\s\d:+-]*)"
)
Fields = Mapping[str, Any]
Numbered = list[tuple[int, Fields]]  # the row's number in its file, its columns


@dataclass(frozen=True, eq=False)
class Column:
    """A column of the rows that were read."""

    name: str
    values: list[Any]  # of the rows that have one; JSON lists and objects within texts are read
    rows: int
    place: int = 0  # among its neighbours, from the left
    parts: tuple[str, ...] = ()  # the columns that it is made of, where it is one of several
    at: tuple[int, ...] = ()  # the rows that have these values, as numbers from 0
    unlabelled: tuple[str, ...] = ()  # what it says of rows that have no class; `values` are without it
    of: int = 0  # rows of the file, where those here are some of them
    sign: Decimal | None = None  # of its numbers' decimals, where somebody has said it

    @property
    def spelled(self) -> str | list[str]:
        """As params.yaml names it."""
        return list(self.parts) if self.parts else self.name

    @cached_property
    def words(self) -> list[str]:
        return words_in(self.name)

    @cached_property
    def is_text(self) -> bool:
        return all(isinstance(value, str) for value in self.values) and self.numbers is None

    @cached_property
    def written(self) -> Written | None:
        """How its numbers are written, where all of its values are texts."""
        texts = [value for value in self.values if isinstance(value, str)]
        return Written(texts) if texts and len(texts) == len(self.values) else None

    @cached_property
    def amounts(self) -> list[float] | None:
        """Its values as numbers, if all of them are: percent signs, decimal commas and units are read."""
        if any(isinstance(value, bool | list | dict) for value in self.values):
            return None
        if self.written:
            found = self.written.readings
            return found.get(self.decimal) if self.decimal else next(iter(found.values()), None)
        try:
            return [float(value) for value in self.values]
        except (TypeError, ValueError):
            return None

    @cached_property
    def numbers(self) -> list[float] | None:
        """The same of those that have no unit, which could as well be classes or places."""
        return None if self.unit else self.amounts

    @cached_property
    def unit(self) -> str:
        """The currency or the unit beside its numbers, if they have one."""
        return self.written.unit if self.written else ""

    @cached_property
    def decimal(self) -> Decimal | None:
        """The decimal sign, where it must be said."""
        return self.written.decimal(self.sign) if self.written else self.sign

    @cached_property
    def is_open(self) -> bool:
        """Could its numbers be read in two ways, and has nobody said in which?"""
        return self.written is not None and self.sign is None and self.written.is_open

    @cached_property
    def is_whole(self) -> bool:
        """Are they whole numbers?"""
        return self.numbers is not None and all(number.is_integer() for number in self.numbers)

    @cached_property
    def is_counter(self) -> bool:
        """Does it number the rows, in their order or in that before they were shuffled?"""
        if not self.is_whole or not self.numbers:
            return False
        steps = {after - before for before, after in pairwise(self.numbers)}
        dense = max(self.numbers) - min(self.numbers) < 1.1 * len(self.numbers)
        in_turn = (len(steps) == 1 and steps != {0.0}) or _are_places(self.numbers)
        return in_turn or (dense and self.distinct == len(self.values) > 1)

    @cached_property
    def is_date(self) -> bool:
        """Are all of its values dates, or times?"""
        if self.numbers and any(low < min(self.numbers) <= max(self.numbers) < high for low, high in TIMES):
            return True
        texts = [str(value).strip() for value in self.values]
        return bool(texts) and all(DATE.fullmatch(text) or WRITTEN_DATE.fullmatch(text) for text in texts)

    @cached_property
    def is_split(self) -> bool:
        """Does it say of each row which split it belongs to?"""
        return (
            self.distinct > 1
            and "train" in {SPLITS.get(text.lower()) for text in self.distinct_texts}
            and ({text.lower() for text in self.distinct_texts} <= SPLITS.keys())
        )

    @cached_property
    def is_mark(self) -> bool:
        """Does it say of each row yes or no, and both of some?"""
        return (
            len(self.distinct_texts) == 2 and {text.strip().lower() for text in self.distinct_texts} in MARKS
        )

    @cached_property
    def is_cross(self) -> bool:
        """Has it a cross, or its own name, in some rows, and nothing in the others?"""
        texts = {text.strip().lower() for text in self.distinct_texts if text.strip() != self.name}
        return len(self.values) < self.rows and bool(self.values) and texts <= HOLDS

    @cached_property
    def is_vector(self) -> bool:
        """Are its values equally long lists of 0 and 1, one for each label, whose names nobody says?"""
        sizes = {len(value) for value in self.values} if self.is_list else set()
        return len(sizes) == 1 and max(sizes) > 1 and {plain(item).lower() for item in self.items} in MARKS

    @cached_property
    def says_each(self) -> bool:
        """Are its values objects that say yes or no of each label?"""
        objects = [value for value in self.values if isinstance(value, dict) and value]
        said = {str(each).lower() for value in objects for each in value.values()}
        return len(objects) == len(self.values) > 0 and len(said) > 1 and said <= set().union(*MARKS, HOLDS)

    @cached_property
    def is_list(self) -> bool:
        return all(isinstance(value, list) for value in self.values)

    @cached_property
    def items(self) -> list[Any]:
        """The items of all its lists."""
        return [item for value in self.values for item in value] if self.is_list else []

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(json.dumps(value, default=str) for value in self.values)

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        return len(self._counts)

    @cached_property
    def distinct_texts(self) -> frozenset[str]:
        """Its different values as texts."""
        return frozenset(map(str, self.values))

    @cached_property
    def repeats(self) -> float:
        """How often a value occurs in the file, on average.

        Of some of its rows fewer are equal; how many values there are in all is estimated by those that were
        met once and twice (Chao 1984, bias-corrected), as many as if each new row had new ones at most.
        """
        share = max(self.of, self.rows) / max(self.rows, 1)
        if share == 1:
            return len(self.values) / self.distinct
        once, twice = (sum(count == n for count in self._counts.values()) for n in (1, 2))
        distinct = self.distinct + once * (once - 1) / (2 * (twice + 1))
        return share * len(self.values) / min(distinct, share * self.distinct)

    @cached_property
    def length(self) -> float:
        """Words of a text, on average; of a script without spaces two characters count as a word."""
        texts = self.values if self.is_text else []
        return sum(words_of(text) for text in texts) / max(len(texts), 1)

    @property
    def counted(self) -> str:
        """How many values it has, in words."""
        what = f"{self.distinct:,} distinct values in" if self.values else "empty in all"
        return f"{what} {self.rows:,} rows"

    def __str__(self) -> str:
        return f"'{self.name}': {self.counted}"


def _are_places(numbers: list[float]) -> bool:
    """Could they be the places of rows of which one in every stretch is there (`drawn`)?"""
    if len(numbers) < SAMPLED:
        return False
    straight = np.linspace(numbers[0], numbers[-1], len(numbers))
    stretch = abs(straight[1] - straight[0])
    return stretch > 0 and bool(np.abs(straight - numbers).max() < 3 * stretch)


def words_of(text: str) -> float:
    """Words of a text; of a script without spaces two characters count as a word."""
    unspaced = len(UNSPACED.findall(text))
    return len(text.split()) + unspaced / 2


def drawn(rows: Numbered, most: int) -> Numbered:
    """At most so many of the rows: one of every stretch, as a file may be sorted by its labels, and whichever
    of it, as labels may take turns."""
    if len(rows) <= most:
        return rows
    ends = np.arange(most + 1) * len(rows) // most
    places = ends[:-1] + (np.random.default_rng(0).random(most) * np.diff(ends)).astype(int)
    return [rows[place] for place in places.tolist()]
