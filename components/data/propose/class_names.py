"""What the numbers of classes are called, where the library `datasets` has written it beside the files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from components.data.propose.profile import Column, Fields, Numbered
from components.data.propose.roles.base import is_named

INFO = ("dataset_info.json", "dataset_infos.json")
LISTS = ("classes.txt", "labels.txt", "label_names.txt", "class_names.txt", "categories.txt", "names.txt")
Names = Mapping[str, list[str]]  # column -> the names of its classes, the first that of 0


def class_names(file: Path) -> Names:
    """By the features that a file of this name beside `file`, or in its folder, declares; empty: none."""
    found: dict[str, list[str]] = {}
    for path in (folder / name for folder in (file, file.parent) for name in INFO):
        if path.is_file():
            found |= dict(_declared(_json(path)))
    return found


def listed_names(file: Path, columns: Sequence[Column]) -> Names:
    """By a list of names beside `file`, of a column that numbers its classes from 0: as many as it has."""
    lists = [file.parent / name for name in LISTS if (file.parent / name).is_file()]
    if len(lists) != 1:
        return {}
    names = [line.strip() for line in lists[0].read_text(encoding="utf-8-sig", errors="replace").splitlines()]
    while names and not names[-1]:
        names.pop()
    return {column.name: names for column in columns if _numbers(column, len(names))} if all(names) else {}


def _numbers(column: Column, names: int) -> bool:
    labels = is_named(column, "label") or is_named(column, "tags")
    return labels and column.is_whole and {*map(float, column.numbers or ())} == {*map(float, range(names))}


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None


def _declared(info: Any) -> Iterator[tuple[str, list[str]]]:
    """The features of a data set, or of each of its configurations."""
    if not isinstance(info, Mapping):
        return
    features = info.get("features")
    if not isinstance(features, Mapping):
        for each in info.values():
            yield from _declared(each)
        return
    for column, feature in features.items():
        inner = feature.get("feature", feature) if isinstance(feature, Mapping) else {}
        names = inner.get("names") if isinstance(inner, Mapping) else None
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            yield column, names


def named(rows: Numbered, names: Names) -> Numbered:
    """The rows with their classes' names in the place of numbers."""
    return [(number, _named(fields, names)) for number, fields in rows] if names else rows


def _named(fields: Fields, names: Names) -> Fields:
    return {
        **fields,
        **{column: _name(fields[column], names[column]) for column in names if column in fields},
    }


def _name(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_name(each, names) for each in value]
    number = int(value) if isinstance(value, int | str) and str(value).isdecimal() else -1
    return names[number] if 0 <= number < len(names) else value
