"""What pydantic says of params.yaml, as one clear sentence: the key, what was found, what was expected."""

from __future__ import annotations

import re
from datetime import date
from types import NoneType, UnionType
from typing import Any

from pydantic import BaseModel

from components.errors import near_miss
from components.settings.remotes import KINDS
from components.settings.secrets import redact

EXPECTED = {  # pydantic's type of error -> what a person would say of it
    "string_type": "expected a text",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "list_type": "expected a list",
    "dict_type": "expected keys with values",
    "model_type": "expected keys with values",
}

# keys of earlier versions, and why they went
REMOVED = {"evaluation.resamples": "intervals need no resamples any more"}


def sentence(error: Any, root: type[BaseModel]) -> str:
    """One clear sentence for a complaint about `root`."""
    where = ".".join(_keys(error["loc"]))
    if error["type"].startswith("union_tag"):
        found = error["ctx"].get("tag", "nothing")
        return f"{where}.kind: found {found}{near_miss(found, KINDS)}; expected one of {', '.join(KINDS)}"
    if error["type"] == "extra_forbidden":
        if where in REMOVED:
            return f"{where}: {REMOVED[where]}; take the line out"
        section = _section(error["loc"], root)
        expected = ", ".join(section)
        return f"{where}: unknown key{near_miss(error['loc'][-1], section)}; expected one of {expected}"
    if error["type"] == "missing":
        return f"{where}: missing; it has no default"
    return complaint(error, where)


def complaint(error: Any, where: str) -> str:
    """A value that is not what its key expects."""
    found = error["input"]
    if error["type"] == "invalid_key":
        return f"{where}: found the key {found!r}, expected a word; a number is written with a point: 0.34"
    if error["type"] == "too_short":
        return f"{where}: found nothing, expected at least one"
    message = EXPECTED.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    if isinstance(found, dict | BaseModel):
        return f"{where}: {message}" if where else message
    return f"{where}: found {_shown(found)}, {message[0].lower()}{message[1:]}{_hint(error)}"


def _shown(found: Any) -> str:
    """The value as the file has it."""
    if isinstance(found, bool):
        return str(found).lower()
    return str(found) if isinstance(found, date) else redact(repr(found))


def _hint(error: Any) -> str:
    """What to write instead, where that is known."""
    found, kind = error["input"], error["type"]
    if kind == "literal_error":
        return near_miss(found, re.findall("'([^']*)'", error["ctx"]["expected"]))
    if kind == "string_type" and isinstance(found, bool):
        return '; YAML reads yes, no, on and off as true and false: write it in quotes, "yes" or "no"'
    if kind == "string_type" and isinstance(found, int | float | date):
        return f'; write it in quotes: "{found}"'
    if kind in {"int_parsing", "float_parsing"} and isinstance(found, str):
        return _number_meant(found, whole=kind == "int_parsing")
    return ""


def _number_meant(found: str, whole: bool) -> str:
    """The number that a text most likely stands for: YAML takes 1e9, without a point, for a text, and a comma
    may part thousands."""
    short = re.fullmatch(r"(\d+)\s*([kKmM])", found)
    if short and whole:
        return f"; write {int(short[1]) * {'k': 1000, 'm': 1_000_000}[short[2].lower()]}"
    if whole and re.fullmatch(r"\d{1,3}(,\d{3})+", found):
        return f"; write {found.replace(',', '')}"
    if whole and re.fullmatch(r"\d+(\.\d+)?[eE]\+?\d{1,2}", found) and float(found).is_integer():
        return f"; write {int(float(found))}"
    if not whole and re.fullmatch(r"-?\d+,\d+", found):
        return f"; write {found.replace(',', '.')}"
    return ""


def _keys(location: tuple[Any, ...]) -> list[str]:
    """The keys of params.yaml that lead to `location`; pydantic adds a remote's kind after its name."""
    keys = [str(part) for part in location if part != "[key]"]
    return keys[:2] + keys[3:] if keys[:1] == ["remotes"] else keys


def _section(location: tuple[Any, ...], root: type[BaseModel]) -> list[str]:
    """The keys that the settings class at `location` knows."""
    model: Any = root
    for part in location[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel):
            model = model.model_fields[str(part)].annotation
        elif isinstance(model, UnionType):
            model = KINDS[part]
        else:  # dict[str, Model]: the value's class
            model = model.__args__[-1]
        if not isinstance(model, type) and hasattr(model, "__metadata__"):
            model = model.__origin__
        if isinstance(model, UnionType) and NoneType in model.__args__:  # a section that may be left out
            model = model.__args__[0]
        if isinstance(model, UnionType) and model.__args__[0] is str:  # a text, or a section instead
            model = model.__args__[1]
    return sorted(model.model_fields)
