"""Answers to questions: places in a context, and choices with the right one."""

from __future__ import annotations

from components.data.propose.profile import Column
from components.data.propose.roles.base import CERTAIN, NAMED, WEAK, Fit, is_named, score_of
from components.errors import BadRowError
from components.families.multiple_choice.family import named_choices


def places(column: Column) -> Fit | None:
    if column.is_text and is_named(column, "answers"):
        return Fit(NAMED, f"{column.distinct:,} distinct answers")
    shaped = [answer for value in column.values for answer in (value if isinstance(value, list) else [value])]
    if not shaped or not all(isinstance(answer, dict) and "text" in answer for answer in shaped):
        return None
    return Fit(score_of(column, "answers") + CERTAIN, "answers with their texts")


def start(column: Column) -> Fit | None:
    numbers = column.numbers
    if not numbers or not is_named(column, "start") or not all(number.is_integer() for number in numbers):
        return None
    return Fit(NAMED, "where the answer begins")


def choices(column: Column) -> Fit | None:
    try:
        found = [named_choices(value) for value in column.values]
    except BadRowError:
        return None
    lengths = {len(each) for each in found}
    strings = all(isinstance(text, str) for each in found for _, text in each)
    if column.is_text or not strings or min(lengths) < 2 or max(lengths) > 20:
        return None
    named = is_named(column, "choices")
    return Fit(NAMED + CERTAIN if named else WEAK, f"{min(lengths)} to {max(lengths)} choices in each row")


def right(column: Column) -> Fit | None:
    numbers = column.numbers
    if column.distinct < 2 or (not column.is_text and (numbers is None or set(numbers) - set(range(20)))):
        return None
    return Fit(score_of(column, "answer"), "the right choice")
