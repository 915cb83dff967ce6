"""`columns` of a task in params.yaml: which column of the source plays each role."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator


def _names(value: Any) -> Any:
    """In place of pydantic's own words, which name a union's members."""
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in names):
        quotes = "; a name that YAML reads as a number or a boolean stands in quotes"
        raise ValueError(
            f"expected the name of a column, or a list of them{quotes if _is_read(names) else ''}"
        )
    return value


def _is_read(names: list[Any]) -> bool:
    """Has YAML made something of a word?"""
    return any(isinstance(name, bool | int | float | date) for name in names)


Column = Annotated[str | list[str], BeforeValidator(_names)]  # several make an object, as of features
Columns = dict[str, Column]  # by their roles
