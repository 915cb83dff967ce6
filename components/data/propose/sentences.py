"""Is a table one word a row? Then the column that says which sentence a word belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.data.propose.names import NAMES
from components.data.propose.profile import Column
from components.data.propose.roles.words import any_spelling, bio_types, io_types
from components.data.sources.sentences import document_column, sentence_columns, sentences_within

HEAD = 2000  # rows
FEWEST = 3  # different words: fewer are tags


def sentence_of(columns: list[Column], rows: list[Mapping[str, Any]]) -> str | list[str] | None:
    """The sentence column, with that of the document where it needs one; None where rows are no words with
    tags."""
    tags = [column.name for column in columns if _are_tags(column)]
    words = [column.name for column in columns if column.name not in tags and _are_words(column)]
    if not words or not tags:
        return None
    named = [name for name in words if name.lower() in NAMES["tokens"]]
    used = {(named or words)[0], *tags}
    found = next(sentence_columns(rows[:HEAD], used), None)
    if found is None:
        return None
    if inner := sentences_within(rows[:HEAD], found):
        return [found, inner]
    document = document_column(rows[:HEAD], found)
    return [document, found] if document else found


def _are_words(column: Column) -> bool:
    """A word in every row, and many different ones."""
    single = [isinstance(value, str) and len(value.split()) == 1 for value in column.values]
    return (
        bool(single) and sum(single) > 0.95 * len(column.values) == 0.95 * column.rows and column.distinct > 3
    )


def _are_tags(column: Column) -> bool:
    """A tag in every row, that spells an entity or none."""
    texts = [value for value in column.values if isinstance(value, str)]
    if len(texts) < column.rows:
        return False
    if bio_types([any_spelling(text) for text in texts]) is not None:
        return True
    return not {"O", "o"}.isdisjoint(texts) and io_types(texts) is not None
