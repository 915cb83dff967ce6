"""Texts: what is read, what stands beside it, and what is written in answer."""

from __future__ import annotations

from collections.abc import Callable

from components.data.propose.profile import Column
from components.data.propose.roles.base import (
    CERTAIN,
    LONG,
    MANY,
    NAMED,
    PLAIN,
    WEAK,
    Fit,
    is_named,
    score_of,
)


def text(column: Column) -> Fit | None:
    named = is_named(column, "text")
    enough = column.length >= (1.5 if named else 2.5) and column.distinct > 0.3 * len(column.values)
    if not column.is_text or not enough:
        return None
    return Fit(NAMED if named else PLAIN, f"{column.length:.0f} words on average")


def text_pair(column: Column) -> Fit | None:
    if not column.is_text or column.length < 1.5 or column.repeats > 20 or column.words[-1] == "name":
        return None
    named = is_named(column, "text_pair")
    return Fit(NAMED if named else WEAK, f"{column.length:.0f} words on average, beside the text")


def passage(role: str) -> Callable[[Column], Fit | None]:
    """A question or a context: known by name."""

    def judge(column: Column) -> Fit | None:
        if not column.is_text or not is_named(column, role):
            return None
        return Fit(NAMED, f"{column.length:.0f} words on average")

    return judge


def item(column: Column) -> Fit | None:
    """What was shown and clicked: in a log the same text comes again and again."""
    found = text(column)
    if found or not column.is_text or column.distinct < 3 or not is_named(column, "item"):
        return found
    return Fit(
        NAMED if column.length >= 1.5 else WEAK, f"{column.distinct:,} distinct items in {column.rows:,} rows"
    )


def turns(column: Column) -> Fit | None:
    objects = bool(column.items) and all(isinstance(item, dict) and "text" in item for item in column.items)
    strings = bool(column.items) and all(isinstance(item, str) for item in column.items)
    words = sum(len(str(item).split()) for item in column.items) / max(len(column.items), 1)
    if not objects and not (strings and words >= 2 and is_named(column, "turns")):
        return None
    mean = len(column.items) / len(column.values)
    return Fit(score_of(column, "turns") + CERTAIN, f"{mean:.0f} turns on average")


def template(column: Column) -> Fit | None:
    """An answer out of many: known by name, or by being long or one of many, or any label would be one."""
    if not column.is_text or column.distinct < 2:
        return None
    reason = f"{column.distinct:,} distinct answers in {column.rows:,} rows"
    if is_named(column, "template"):
        return Fit(NAMED, reason)
    if column.length <= LONG and (column.distinct < MANY or column.repeats < 2):
        return None
    return Fit(PLAIN if column.repeats >= 2 else WEAK, reason)


def written(column: Column) -> Fit | None:
    """A text that is written in answer to another."""
    if not column.is_text or column.distinct < 0.5 * len(column.values) or column.length < 1:
        return None
    named = is_named(column, "written")
    if not named and column.length < 1.5:
        return None
    reason = f"{column.length:.0f} words on average, {column.distinct:,} distinct texts"
    return Fit(NAMED if named else WEAK, reason)
