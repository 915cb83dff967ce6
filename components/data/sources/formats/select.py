"""Which rows of a source are read, and under which split: filter, split column, sample."""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from components.data.sources.record import Record
from components.errors import BadRowError, UserError, near_miss
from components.settings.data import Condition, Source, Wanted
from components.spelling import is_blank, is_whole, plain, trimmed

SHOWN = 8  # values of a column that a sentence names
BOOLEANS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
Key = tuple[str, str]  # what kind of value it is, and its text


class Filter:
    """The rows that count, by `source.filter`; it remembers which of the values that it names a row had."""

    def __init__(self, source: Source) -> None:
        self._path = source.path
        self._tests = {column: Test(condition) for column, condition in source.filter.items()}

    def refused_by(self, fields: Mapping[str, Any], value_at: Callable[[Mapping[str, Any], str], Any]) -> str:
        """The column for whose value the row does not count; empty: it counts."""
        for column, test in self._tests.items():
            if not test.holds(value_at(fields, column)):
                return column
        return ""

    def unmatched(self) -> list[str]:
        """A clause for each column some of whose wanted values no row had.

        Raises:
            UserError: one of them is a boolean, and the column holds texts: YAML made it of a word.
        """
        clauses = []
        for column, test in self._tests.items():
            if missing := test.unmatched():
                found = f"; found {', '.join(sorted(test.found))}" if test.found else ""
                if test.is_text and any(isinstance(value, bool) for value in missing):
                    raise UserError(
                        f"{self._path}: source.filter.{column}: no row has {_shown(missing)}{found}; YAML "
                        f'reads yes, no, on and off as true and false: write the word in quotes, as "no"'
                    )
                clauses.append(f"no row has {_shown(missing)} in column '{column}'{found}")
        return clauses


def _shown(values: Iterable[Wanted]) -> str:
    return " or ".join(str(one).lower() if isinstance(one, bool) else f"'{plain(one)}'" for one in values)


class Test:
    """A condition on the values of a column."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.negated = None if condition.not_ is None else Test(condition.not_)
        self.pattern = None if condition.matches is None else re.compile(condition.matches)
        self.keys = {key for wanted in condition.in_ or [] for key in keys_of(wanted)}
        self.seen: set[Key] = set()
        self.found: set[str] = set()  # the first values of the column
        self.is_text = False  # has some value that stands for no boolean

    def holds(self, value: Any) -> bool:
        """Does the condition hold of the value?"""
        condition = self.condition
        return (
            (condition.in_ is None or self._is_wanted(value))
            and (self.negated is None or not self.negated.holds(value))
            and (self.pattern is None or self.pattern.search(plain(value)) is not None)
            and (condition.longer_than is None or _length(value) > condition.longer_than)
            and not (condition.not_empty and _length(value) == 0)
        )

    def _is_wanted(self, value: Any) -> bool:
        key = key_of(value)
        if len(self.found) < SHOWN and key[1]:
            self.found.add(key[1])
        self.is_text = self.is_text or (key[0] == "text" and key[1] not in {"", "true", "false", "0", "1"})
        if key in self.keys:
            self.seen.add(key)
        return key in self.keys

    def unmatched(self) -> list[Wanted]:
        """Values that no row had, those of `not` among them."""
        own = [wanted for wanted in self.condition.in_ or [] if self.seen.isdisjoint(keys_of(wanted))]
        if self.negated is not None:
            self.found |= self.negated.found
            self.is_text |= self.negated.is_text
            own += self.negated.unmatched()
        return own


def _length(value: Any) -> int:
    """Characters but for blanks at the ends; items of a list."""
    return len(value) if isinstance(value, list | dict) else len(plain(value))


def key_of(value: Any) -> Key:
    """A value of a table as it is compared. In a CSV file all are texts; there 1.0 is 1, and True is true."""
    if isinstance(value, bool):
        return "boolean", str(value).lower()
    if isinstance(value, int | float | Decimal) and not is_blank(value):
        return "number", plain(value)
    return "text", folded(plain(value))


def folded(text: str) -> str:
    """A text as it is compared: a whole float is its integer, and TRUE is true."""
    if is_whole(text):
        return plain(float(text))
    return text.lower() if text.lower() in {"true", "false"} else text


def keys_of(wanted: Wanted) -> Iterator[Key]:
    """The keys of the values that a value of params.yaml stands for."""
    text = folded(plain(wanted))
    yield "text", text
    if isinstance(wanted, bool):
        yield "text", str(int(wanted))
        yield "number", str(int(wanted))
    if text.lower() in BOOLEANS:
        yield "boolean", BOOLEANS[text.lower()]
    try:
        yield "number", plain(float(text)) if not text.isdecimal() else str(int(text))
    except ValueError:
        return


def split_of(value: Any, source: Source) -> str:
    """The split that the row's `split_column` names.

    Raises:
        BadRowError: it names none.
    """
    named = {folded(trimmed(name)): split for name, split in source.split_values.items()}
    if split := named.get(key_of(value)[1]):
        return split
    known = ", ".join(source.split_values)
    raise BadRowError(
        f"'{value}' in column '{source.split_column}' is no split"
        f"{near_miss(value, source.split_values)}; expected one of {known}, see source.split_values"
    )


def sample(records: Callable[[], Iterator[Record]], limit: int, seed: int) -> Iterator[Record]:
    """At most `limit` records of each split: those with the smallest hashes, in the source's order; records
    at fault count for none, and come besides.

    Two passes, and `limit` numbers in memory. A new row takes the place of one row at most.
    """
    largest = _limits(records, limit, seed)
    taken: Counter[str | None] = Counter()
    for record in records():
        if record.skipped or record.unreadable:
            yield record
        elif taken[record.split] < limit and _hash(record, seed) <= largest[record.split]:
            taken[record.split] += 1
            yield record


def _limits(records: Callable[[], Iterator[Record]], limit: int, seed: int) -> dict[str | None, int]:
    """The largest hash of each split that is still taken."""
    smallest: dict[str | None, list[int]] = defaultdict(list)  # negated: a heap's top is its minimum
    for record in (each for each in records() if not (each.skipped or each.unreadable)):
        heap, key = smallest[record.split], -_hash(record, seed)
        if len(heap) < limit:
            heapq.heappush(heap, key)
        else:
            heapq.heappushpop(heap, key)
    return {split: -heap[0] for split, heap in smallest.items()}


def _hash(record: Record, seed: int) -> int:
    content = repr(sorted(record.values.items())).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8, key=str(seed).encode()).digest(), "big")
