"""Triples: two entities, and the relation between them."""

from __future__ import annotations

from collections.abc import Callable

from components.data.propose.profile import Column
from components.data.propose.roles.base import LONG, NAMED, WEAK, Fit, is_named

FEWEST = 10  # entities; fewer values are classes


def entity(kind: str) -> Callable[[Column], Fit | None]:
    """An end of a triple: a name, rather than a text."""

    def judge(column: Column) -> Fit | None:
        named = is_named(column, kind)
        recurs = column.length <= LONG and column.repeats >= 1.2 and column.distinct >= FEWEST
        if not column.is_text or column.distinct < 2 or column.length > 12 or not (named or recurs):
            return None
        return Fit(NAMED if named else WEAK, f"{column.distinct:,} distinct entities")

    return judge


def link(column: Column) -> Fit | None:
    """The relation between the ends of a triple: few, and each of them often."""
    if not column.is_text or column.repeats < 2 or column.length > LONG:
        return None
    return Fit(NAMED if is_named(column, "link") else WEAK, f"{column.distinct:,} distinct relations")
