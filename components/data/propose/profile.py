"""What the values of a column look like, whatever they mean."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from components.data.propose.amounts import Written
from components.data.propose.names import SPLITS, words_in
from components.data.sources import sentinels
from components.data.sources.numbers import Decimal
from components.data.sources.record import value_at
from components.errors import BadRowError
from components.families.multi_label import family as multi_label
from components.families.shared.items import read_items, read_literal
from components.spelling import plain

# Scripts that put no spaces between words: kana, Chinese characters, and Thai, Lao, Khmer, Burmese.
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
FEWEST_MARKS = 3  # columns that are labels, one-hot
HOLDS = {word for word, holds in multi_label.HOLDS.items() if holds}
MARKS = ({"0", "1"}, {"0.0", "1.0"}, {"false", "true"}, {"no", "yes"}, {"n", "y"}, {"f", "t"})
GAPPY, MOST_GAPS = 0.1, 0.7  # share of rows without a value: fewer may be mistakes, with more it is an aside
LISTED = re.compile(r"\s*([\[{(<]|(np\.)?(array|set|frozenset)\()")  # how lists and objects begin
DEEPEST = 4  # objects within each other, as services answer
CHOICES = re.compile(r'\s*\{\s*"choices"\s*:\s*\[')
SAMPLED = 1000  # rows from which on they may be a sample
OURS = "column_"  # begins the names that we give
OFTEN = 5  # a text that occurs more often is a class, rather than a choice of one question
TIMES = ((9e8, 2.1e9), (9e11, 2.1e12))  # seconds and milliseconds since 1970, from 1998 to 2036
LAST = re.compile(r"((?:.*[^\W\d_])?[ _.]?)(\d{1,2}|(?<![^\W_])[A-Ha-h])")  # of a name: its number or letter
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

    def __str__(self) -> str:
        what = f"{self.distinct:,} distinct values in {self.rows:,} rows"
        return f"'{self.name}': {what}" if self.values else f"'{self.name}': empty in all {self.rows:,} rows"


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


def columns_of(rows: Numbered, of: int = 0, sign: Decimal | None = None) -> list[Column]:
    """The columns of the rows, in their order; fields of nested objects are "outer.inner". `of`: all rows;
    `sign`: of decimals, if it is known."""
    names = dict.fromkeys(name for _, fields in rows for name in _names(fields))
    found = []
    for place, name in enumerate(names):
        values = [value_at(fields, name) for _, fields in rows]
        marks = _unlabelled([value for value in values if not _is_missing(value)])
        at = tuple(
            number
            for number, value in enumerate(values)
            if not _is_missing(value) and plain(value) not in marks
        )
        gaps = sum(map(_is_missing, values)) / max(len(values), 1)
        marks = (*marks, "") if GAPPY <= gaps < MOST_GAPS else marks
        given = parsed([values[number] for number in at])
        if given and name != "labels" and all(map(_is_one, given)):  # `labels` may be several in other rows
            given = [value[0] for value in given]
        found.append(Column(name, given, len(rows), place, at=at, unlabelled=marks, of=of, sign=sign))
    return found


def _unlabelled(values: list[Any]) -> tuple[str, ...]:
    """What a column of classes or numbers plainly says of rows that have none, if it does."""
    if not all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in values):
        return ()
    return tuple(sentinels.clear_among_labels(Counter(map(plain, values))))


def _is_missing(value: Any) -> bool:
    """None, an empty text, or what a data frame writes for either."""
    return value is None or (isinstance(value, str) and not value.strip()) or value != value  # noqa: PLR0124


def _names(fields: Fields, outer: str = "") -> Iterable[str]:
    for name, value in fields.items():
        yield f"{outer}{name}"
        if isinstance(value, Mapping) and outer.count(".") < DEEPEST:
            yield from _names(value, f"{outer}{name}.")


def parsed(values: list[Any]) -> list[Any]:
    """Lists and objects that are given as texts, as JSON or Python writes them, read; others as they are."""
    if any(isinstance(value, str) and CHOICES.match(value) for value in values):
        return [_choices(value) for value in values]
    if not all(isinstance(value, str) and LISTED.match(value) for value in values):
        return values
    try:
        return [_listed(read_literal(value)) for value in values]
    except ValueError:
        pass
    try:
        items = [read_items(value) for value in values]
    except BadRowError:
        return values
    return values if any(found is None for found in items) else items


def _listed(value: Any) -> Any:
    """Python's tuples and sets as lists."""
    return (
        sorted(value, key=str) if isinstance(value, set) else [*value] if isinstance(value, tuple) else value
    )


def _is_one(value: Any) -> bool:
    """Is it a list of a single name or number?"""
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], str | int | float)


def _choices(value: Any) -> Any:
    """A cell of Label Studio's table: several choices are an object, and a single one is a text."""
    try:
        return json.loads(value)["choices"]
    except (ValueError, TypeError, KeyError):
        return [value]


def one_hot(columns: list[Column]) -> list[Column]:
    """A column of lists, made of the columns that say of each label whether it holds; none where there are
    fewer than three."""
    outer = tuple(f"{column.name}." for column in columns if column.says_each)
    free = [column for column in columns if not column.name.startswith(outer)] if outer else columns
    marks = [column for column in free if len(column.values) == column.rows and column.is_mark]
    marks = marks if len(marks) >= FEWEST_MARKS else [column for column in free if column.is_cross]
    if len(marks) < FEWEST_MARKS:
        return []
    names = tuple(column.name for column in marks)
    values: list[list[str]] = [[] for _ in range(marks[0].rows)]
    for column in marks:
        for number, value in zip(column.at, column.values, strict=True):
            values[number] += [column.name] if str(value).strip().lower() in HOLDS else []
    return [Column(",".join(names), values, marks[0].rows, marks[0].place, names)]


def numbered(columns: list[Column]) -> list[Column]:
    """A column of lists of texts for each set of columns that differ in a last number or letter alone, as
    ending0 and ending1, or that are called A, B and C."""
    found: dict[tuple[str, bool], list[Column]] = {}
    for column in columns:
        texts = column.values and column.is_text and column.repeats <= OFTEN
        if texts and not column.name.startswith(OURS) and (end := LAST.fullmatch(column.name)):
            found.setdefault((end[1], end[2].isdigit()), []).append(column)
    full = [each for each in found.values() if len(each[0].values) == each[0].rows or len(each) > 2]
    sets = [each for each in full if len(each) > 1]
    return [_side_by_side(each) for each in sets]


def _side_by_side(columns: list[Column]) -> Column:
    names = tuple(column.name for column in columns)
    values = [list(row) for row in zip(*(column.values for column in columns), strict=False)]
    return Column(",".join(names), values, columns[0].rows, columns[0].place, names)
