"""What the numbers of classes are called, where the library `datasets` has written it beside the files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.data.propose.profile import Fields, Numbered

INFO = ("dataset_info.json", "dataset_infos.json")
Names = Mapping[str, list[str]]  # column -> the names of its classes, the first that of 0


def class_names(file: Path) -> Names:
    """By the features that a file of this name beside `file`, or in its folder, declares; empty: none."""
    found: dict[str, list[str]] = {}
    for path in (folder / name for folder in (file, file.parent) for name in INFO):
        if path.is_file():
            found |= dict(_declared(_json(path)))
    return found


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
