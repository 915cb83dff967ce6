"""Columns that say what another says: the numbers of classes beside their names, or the same once more."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from components.data.propose.profile import Column
from components.data.propose.roles.base import LONG, is_named

REPEATED = 3  # times that a class occurs, on average
SEVERAL = 20  # different words, more than there are tags of most kinds
SAME = 0.25  # share of the different words that are their lemmas
DEEP = 3  # objects around a value, which hardly is what a row is about


def without_codes(columns: list[Column], wanted: Collection[str]) -> list[Column]:
    """The columns but for these; what the user has named stays."""
    classes = [column for column in columns if _are_classes(column)]
    gone = [code for code in classes for name in classes if _is_code(code, name)]
    gone += [column for column in columns if _is_again(column, columns)]
    texts = [column for column in columns if column.is_text and column.length > LONG]
    gone += [*_deep(classes), *_deep(texts)]
    lists = [column for column in columns if column.is_list and all(map(_is_word, column.items))]
    gone += [lemmas for lemmas in lists if any(_are_lemmas(lemmas, words) for words in lists)]
    names = {column.name for column in columns}
    gone += [
        column for column in columns if f"{column.name}.entities" in names
    ]  # spaCy's object around spans
    return [column for column in columns if column not in gone or column.name in wanted]


def _is_again(text: Column, columns: list[Column]) -> bool:
    """Is it a text that another column says as well: one before it, or one that is called text?"""
    if not text.is_text or text.length <= LONG or text.name == "text":
        return False
    same = (each for each in columns if each is not text and each.at == text.at)
    first = (each for each in same if each.place < text.place or each.name == "text")
    return any(each.values == text.values for each in first)


def _is_word(item: Any) -> bool:
    return isinstance(item, str)


def _are_lemmas(lemmas: Column, words: Column) -> bool:
    """Are they the words of another column as dictionaries have them, or once more?"""
    if words.place >= lemmas.place or words.at != lemmas.at or len(words.items) != len(lemmas.items):
        return False
    pairs = {*zip(map(str.lower, words.items), map(str.lower, lemmas.items), strict=True)}
    return len(pairs) > SEVERAL and sum(word == lemma for word, lemma in pairs) > SAME * len(pairs)


def _deep(columns: list[Column]) -> list[Column]:
    """Those deep within objects, where there is one further out."""
    deep = [column for column in columns if column.name.count(".") >= DEEP]
    return deep if len(deep) < len(columns) else []


def _are_classes(column: Column) -> bool:
    plain = not any(isinstance(value, list | dict) for value in column.values)
    marks = column.is_mark or column.is_cross  # of labels, which may well hold of the same rows
    return plain and not marks and column.distinct > 1 and column.repeats >= REPEATED


def _is_code(code: Column, name: Column) -> bool:
    """Does each value of one stand beside one of the other, and is it a number, or the same further right?"""
    if code.at != name.at or code.distinct != name.distinct:
        return False
    same = code.place > name.place and code.values == name.values
    numbers = code.numbers is not None and name.numbers is None and not is_named(code, "level")
    return same or (
        numbers and len({*zip(map(str, code.values), map(str, name.values), strict=True)}) == name.distinct
    )
