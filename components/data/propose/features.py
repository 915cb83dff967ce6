"""What stands beside a text whose family reads such: categories and numbers."""

from __future__ import annotations

from collections.abc import Collection

from components import families
from components.data.propose.names import ASIDE
from components.data.propose.profile import Column
from components.data.propose.roles.base import LONG, Fit, is_named

ROLES = ("categorical", "numeric")
CODES = {"id", "user", "username", "lang", "language", "version", "zip", "zipcode", "plz"}  # may be features
ANSWERS = ("outcome", "label", "score", "level")  # kinds of columns that nobody knows beforehand
KNOWN = ("category", "price")  # names that these share with what is known


def features(family: str, columns: list[Column], taken: Collection[Column]) -> dict[str, tuple[Column, Fit]]:
    """The columns that could be features, by role, as one of several; none where the family reads none."""
    if not set(ROLES) <= {*families.get(family).optional_inputs}:
        return {}
    names = {name for column in taken for name in column.parts or (column.name,)}
    free = [column for column in columns if column.values and not column.parts and column.name not in names]
    found = {role: tuple(each.name for each in free if _role(each) == role) for role in ROLES}
    return {
        role: (_together(some, free), Fit(0.0, f"{len(some)} columns beside the text"))
        for role, some in found.items()
        if some
    }


def _together(names: tuple[str, ...], columns: list[Column]) -> Column:
    """They as one column, which has the decimal sign that one of them has."""
    signs = (column.decimal for column in columns if column.name in names and column.decimal)
    return Column(",".join(names), [], 0, parts=names, sign=next(signs, None))


def _role(column: Column) -> str | None:
    if column.name.lower() not in KNOWN and any(is_named(column, kind) for kind in ANSWERS):
        return None
    if column.is_counter or column.is_date or column.is_split or column.distinct < 2:
        return None
    is_code, is_aside = column.words[-1] in CODES, column.words[-1] in ASIDE
    if column.numbers is not None and not is_code:
        return None if is_aside else "numeric"
    short = column.is_text and column.length <= LONG and not is_aside
    return "categorical" if (short or is_code) and column.repeats >= 2 else None
