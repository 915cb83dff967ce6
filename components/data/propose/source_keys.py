"""A task's `source`, as a proposal spells it."""

from __future__ import annotations

from typing import TypedDict

# Which values of a column count, as `settings.data.Condition` has it.
ConditionKeys = TypedDict("ConditionKeys", {"not": str | list[str], "not_empty": bool}, total=False)


class SourceKeys(TypedDict, total=False):
    """A task's `source`, as params.yaml spells it: what the data call for (`settings.data.Source`)."""

    path: str
    format: str
    files: dict[str, str]
    encoding: str
    separator: str
    quoting: bool
    escape: str
    header: list[str]
    skip_after_header: int
    split_column: str
    split_values: dict[str, str]
    labels: list[str]
    decimal: str
    units: dict[str, str]
    filter: dict[str, ConditionKeys]
    sentence: str | list[str]
    join: dict[str, str]
    file_column: str
    inline: str
    sheet: str
    label_map: dict[str, str]
    rows: str
    unescape_html: bool
    offsets: str | list[str]
    end: str
