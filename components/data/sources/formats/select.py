"""Which rows of a source are read, and under which label and split: filter, sample, label map."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.data.sources.record import Record, Values
from components.errors import UserError, near_miss
from components.settings.data import Source, Wanted

LABELLED = ("label", "labels", "tags", "relation", "outcome")  # roles whose values a label map renames


def wanted(
    fields: Mapping[str, Any],
    conditions: Mapping[str, Wanted | list[Wanted]],
    value_at: Callable[[Mapping[str, Any], str], Any],
) -> bool:
    """Does the row have, in every column of the filter, the value or one of the values given?

    1 and "1" are equal: in a CSV file every value is a text. None is an empty field.
    """
    for column, allowed in conditions.items():
        values = allowed if isinstance(allowed, list) else [allowed]
        if _text(value_at(fields, column)) not in {_text(value) for value in values}:
            return False
    return True


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def split_of(value: Any, source: Source, place: str) -> str:
    """The split that the row's `split_column` names.

    Raises:
        UserError: it names none.
    """
    if split := source.split_values.get(_text(value)):
        return split
    known = ", ".join(source.split_values)
    raise UserError(
        f"{place}: '{value}' in column '{source.split_column}' is no split"
        f"{near_miss(value, source.split_values)}; expected one of {known}, see source.split_values"
    )


def label(values: Values, names: Mapping[str, str], place: str) -> Values:
    """The values with raw labels renamed; a row without a label stays without.

    Raises:
        UserError: a raw label is not in the map.
    """
    if not names:
        return values
    try:
        renamed = {role: _rename(values[role], names) for role in LABELLED if role in values}
    except KeyError as error:
        raw = error.args[0]
        raise UserError(
            f"{place}: label '{raw}' is not in source.label_map{near_miss(raw, names)}; "
            f"expected one of {', '.join(names)}"
        ) from None
    return {**values, **renamed}


def _rename(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_rename(each, names) for each in value]
    return value if value in (None, "") else names[str(value)]


def sample(records: Callable[[], Iterator[Record]], limit: int, seed: int) -> Iterator[Record]:
    """At most `limit` records of each split: those with the smallest hashes, in the source's order.

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
