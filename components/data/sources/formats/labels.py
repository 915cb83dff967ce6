"""Raw labels of a source -> the labels that `source.label_map`, or a file, gives them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from components.data.sources.formats.select import BOOLEANS, folded
from components.data.sources.formats.text import lines
from components.data.sources.record import Values
from components.errors import BadRowError, UserError, first_line, near_miss
from components.families.shared.spans import span_list
from components.settings.data import Source
from components.spelling import is_blank, plain, trimmed

LABELLED = (
    "label",
    "labels",
    "tags",
    "spans",
    "relation",
    "outcome",
)  # roles whose values a label map renames
Spelled = Callable[[str, Any], Any]  # (role, raw value) -> the raw labels that it holds, each by itself


def names_of(source: Source) -> Mapping[str, str]:
    """What each raw label is called: the map itself, or what its file holds.

    Raises:
        UserError: the file is missing, or holds no names.
    """
    if source.label_names is None:
        return source.label_map
    folder = Path(source.path)
    path = (folder if folder.is_dir() else folder.parent) / source.label_names
    if not path.is_file():
        raise UserError(f"{path}: no such file; see source.label_names in params.yaml")
    names: Any = [trimmed(line) for line in lines(path, source.encoding)]
    if path.suffix == ".json":
        names = _json(path)
    names = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(names, dict) or not any(names.values()):
        raise UserError(f"{path}: expected a name a line, or a JSON object of raw labels and their names")
    return {str(raw): str(name) for raw, name in names.items()}


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({first_line(error)})") from None


class LabelMap:
    """Renames the labels of records."""

    def __init__(self, names: Mapping[str, str], spelled: Spelled, key: str) -> None:
        self.names, self.spelled, self.key = names, spelled, key
        exact = {trimmed(raw): trimmed(name) for raw, name in self.names.items()}
        self.known = {folded(raw): name for raw, name in exact.items()} | exact

    @classmethod
    def of(cls, source: Source, spelled: Spelled) -> LabelMap:
        key = "label_map" if source.label_names is None else "label_names"
        return cls(names_of(source), spelled, f"source.{key}")

    def rename(self, values: Mapping[str, Any]) -> Values:
        """The values with raw labels renamed; a row without a label stays without.

        Raises:
            BadRowError: a raw label is not in the map.
        """
        if not self.names:
            return dict(values)
        roles = [role for role in LABELLED if role in values]
        return {**values, **{role: self._renamed(role, values[role]) for role in roles}}

    def _renamed(self, role: str, value: Any) -> Any:
        if role == "spans":
            return [{**span, "type": self._type(span["type"])} for span in span_list(value)]
        found = self._rename(self.spelled(role, value))
        return list(dict.fromkeys(found)) if role == "labels" and isinstance(found, list) else found

    def _type(self, raw: str) -> str:
        """Of a span, which a map may name as the tag of its first word."""
        tag = f"B-{raw}"
        named = self._name(tag if tag in self.known and raw not in self.known else raw)
        return named.removeprefix("B-")

    def _rename(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._rename(each) for each in value]
        return value if is_blank(value) else self._name(value)

    def _name(self, value: Any) -> str:
        raw = plain(value)
        words = [word for word, of in BOOLEANS.items() if isinstance(value, bool) and of == raw.lower()]
        for key in (raw, folded(raw), *words):
            if key in self.known:
                return self.known[key]
        quotes = "; YAML reads the word as a boolean: write it in quotes" if self._is_lost(raw) else ""
        raise BadRowError(
            f"label '{raw}' is not in {self.key}{near_miss(raw, self.names)}; "
            f"expected one of {', '.join(self.names)}{quotes}"
        )

    def _is_lost(self, raw: str) -> bool:
        """Is it a word of which YAML has made the boolean that is in the map?"""
        return BOOLEANS.get(raw.lower(), raw) in self.known and raw.lower() in BOOLEANS
