"""Tables with one word a row -> one row a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from components.data.sources.record import Numbered, Skipped, Values
from components.settings.data import Source


def grouped(rows: Numbered, source: Source) -> Numbered:
    """Join the rows of each sentence: columns become lists.

    A sentence begins where a column of `source.sentence` has another value: it may stand in every row, or in
    the first alone. A row without any value ends one, too. What `filter` and `split_column` look at stays one
    value.
    """
    names = sentence_names(source)
    single = {*names, source.split_column, *source.filter}
    words: list[Mapping[str, Any]] = []
    first: int = 0
    current: list[Any] = [None] * len(names)
    for number, fields in rows:
        if isinstance(fields, Skipped):
            yield number, fields
            continue
        blank, keys = all(map(is_blank, fields.values())), [fields.get(name) for name in names]
        keys = [old if is_blank(key) else key for key, old in zip(keys, current, strict=True)]
        if words and (blank or keys != current):
            yield first, _sentence(words, single)
            words = []
        if not blank:
            first = first if words else number
            current = keys
            words.append(fields)
    if words:
        yield first, _sentence(words, single)


def sentence_names(source: Source) -> list[str]:
    """The columns that together say which sentence a word belongs to."""
    return [source.sentence] if isinstance(source.sentence, str) else source.sentence or []


def is_blank(value: Any) -> bool:
    """Nothing, not a number, or blanks."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())  # noqa: PLR0124


def _sentence(words: list[Mapping[str, Any]], single: set[str | None]) -> Values:
    names = dict.fromkeys(name for fields in words for name in fields)
    return {
        name: words[0].get(name) if name in single else [fields.get(name) for fields in words]
        for name in names
    }


def document_column(rows: Sequence[Mapping[str, Any]], sentence: str) -> str | None:
    """The column of documents, where sentences are numbered anew in each and some of two would be one: each
    value's rows stand together and begin with the same number, and it changes where the sentence's does not.
    A page is none: sentences go on in the next, and their numbers do not come again."""
    ids = list(_filled_down(fields.get(sentence) for fields in rows))
    if all(map(is_blank, ids)) or not _come_again(ids):
        return None
    for name in dict.fromkeys(name for fields in rows for name in fields):
        values = [fields.get(name) for fields in rows]
        starts = [number for number, (one, other) in enumerate(pairwise(values), 1) if one != other]
        blocks = len(starts) + 1 == len(set(map(str, values))) and 2 * len(starts) < len(rows)
        if name == sentence or any(map(is_blank, values)) or not blocks:
            continue
        alike = all(ids[start] == ids[0] for start in starts)
        if alike and any(ids[start] == ids[start - 1] for start in starts):
            return name
    return None


def _filled_down(values: Iterable[Any]) -> Iterator[Any]:
    """Each value, or where there is none the one before."""
    current = None
    for value in values:
        current = current if is_blank(value) else value
        yield current


def _come_again(ids: Sequence[Any]) -> bool:
    """Are some found again behind others, or are all the same?"""
    distinct = len(set(map(str, ids)))
    return distinct == 1 or 1 + sum(one != other for one, other in pairwise(ids)) > distinct


def sentences_within(rows: Sequence[Mapping[str, Any]], document: str) -> str | None:
    """The column that numbers sentences anew in each document: beside the same document, the rows of a value
    stand together. What is called a sentence is no document, and has chunks or lines within."""
    if _is_called_so(document):
        return None
    for name in dict.fromkeys(name for fields in rows for name in fields):
        pairs = [f"{fields.get(document)} {fields.get(name)}" for fields in rows]
        starts = 1 + sum(one != other for one, other in pairwise(pairs))
        documents = len({str(fields.get(document)) for fields in rows})
        whole = all(str(fields.get(name)).isdecimal() for fields in rows)
        if whole and starts == len(set(pairs)) > documents and 2 * starts <= len(rows):
            return name
    return None


def _is_called_so(name: str) -> bool:
    return "sent" in name.lower()


def sentence_columns(rows: list[Mapping[str, Any]], used: set[str]) -> Iterator[str]:
    """The columns that could say which sentence a word belongs to, those that are called so first: their
    values stay the same for some rows, or are left out."""
    names = [name for name in dict.fromkeys(name for fields in rows for name in fields) if name not in used]
    for name in sorted(names, key=lambda each: not _is_called_so(each)):
        keys = [fields.get(name) for fields in rows]
        filled = [key for key in keys if not is_blank(key)]
        starts = sum(one != other for one, other in zip([None, *filled], filled, strict=False))
        if len(set(map(str, filled))) >= max(2, 0.9 * starts) and 2 * starts <= len(rows) <= 200 * starts:
            yield name
