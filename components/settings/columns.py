"""`columns` of a task in params.yaml: which column of the source plays each role."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator


def _names(value: Any) -> Any:
    """In place of pydantic's own words, which name a union's members."""
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in names):
        raise ValueError("expected the name of a column, or a list of them")
    return value


Column = Annotated[str | list[str], BeforeValidator(_names)]  # several make an object, as of features
Columns = dict[str, Column]  # by their roles
