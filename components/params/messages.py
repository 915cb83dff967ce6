"""What pydantic says of params.yaml, as one clear sentence: the key, what was found, what was expected."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

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
# a pattern of the settings -> what a person would say of it
PATTERNS = {
    "^[a-z][a-z0-9_-]*$": "expected a small letter, and then small letters, digits, - and _",
    "^[0-9a-f]{64}$": "expected 64 digits of 0 to 9 and a to f, as `sha256sum FILE` prints them",
}

# keys of earlier versions, and why they went
REMOVED = {"evaluation.resamples": "intervals need no resamples any more"}

# keys that other programs have, and the key by which it is said here
ELSEWHERE = {
    "train": "training has the rows that validation and test leave",
    "epochs": "`training.budget: {method: epochs, epochs: N}` says it",
    "num_train_epochs": "`training.budget: {method: epochs, epochs: N}` says it",
    "batch_size": "`training.tokens_per_step` says it, in tokens",
    "lr": "`training.learning_rate` says it",
    "early_stopping": "`training.patience` says it",
}
KEY_AND_FOUND = re.compile(r"[\w.]+: found ")
PER_CENT = 100
THOUSANDS = {"k": 1000, "m": 1_000_000, "g": 1_000_000_000}
NAMELESS = " (a search has a name: write search.NAME.parameters)"
MOST_PLACES = 3  # that a key is said to have; more tell nobody where it belongs


def sentence(error: Any, root: type[BaseModel]) -> str:
    """One clear sentence for a complaint about `root`."""
    where = ".".join(_keys(error["loc"]))
    if error["type"].startswith("union_tag"):
        found = error["ctx"].get("tag", "nothing")
        return f"{where}.kind: found {found}{near_miss(found, KINDS)}; expected one of {', '.join(KINDS)}"
    if error["type"] == "extra_forbidden":
        if where in REMOVED:
            return f"{where}: {REMOVED[where]}; take the line out"
        section = known_keys(error["loc"], root)
        key, expected = str(error["loc"][-1]), ", ".join(section)
        hint = _nameless(error) or near_miss(key, section)
        hint = hint or _elsewhere(key, str(error["loc"][0]), root)
        return f"{where}: unknown key{hint}; expected one of {expected}"
    if error["type"] == "missing":
        return f"{where}: missing; it has no default"
    return complaint(error, where) + _nameless(error)


def _nameless(error: Any) -> str:
    return NAMELESS if error["loc"][:2] == ("search", "parameters") else ""


def complaint(error: Any, where: str) -> str:
    """A value that is not what its key expects."""
    found = error["input"]
    if error["type"] == "invalid_key":
        number = f"0.{found}" if isinstance(found, int) and found >= 0 else "0.34"
        return (
            f"{where}: found the key {found!r}, expected a word; a number is written with a point: {number}"
        )
    if error["type"] == "too_short":
        least, had = error["ctx"]["min_length"], error["ctx"]["actual_length"]
        several = f"{_shown(found)}, expected at least {least}" if had else "nothing, expected at least one"
        return f"{where}: found {several}"
    if found is None and error["type"] != "value_error":
        return f"{where}: found nothing, {EXPECTED.get(error['type'], 'expected a value')}"
    message = EXPECTED.get(error["type"]) or PATTERNS.get(error.get("ctx", {}).get("pattern", ""))
    message = message or error["msg"].removeprefix("Value error, ")
    if isinstance(found, dict | BaseModel) or message.startswith("found "):
        # of a section the message may say what is wrong with a key
        between = "." if where and KEY_AND_FOUND.match(message) else ": "
        return f"{where}{between}{message}" if where else message
    return f"{where}: found {_shown(found)}, {message[0].lower()}{message[1:]}{_hint(error)}"


def _shown(found: Any) -> str:
    """The value as the file has it."""
    if isinstance(found, bool):
        return str(found).lower()
    if found is None:
        return "nothing"
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
    if kind in {"less_than", "less_than_equal"} and 1 < found <= PER_CENT == PER_CENT * _limit(error):
        return f"; for {found:g} % write {found / PER_CENT:g}"
    return ""


def _limit(error: Any) -> float:
    """What a number has to be below, or at most."""
    return float(error["ctx"].get("lt", error["ctx"].get("le")))


def _number_meant(found: str, whole: bool) -> str:
    """The number that a text most likely stands for: YAML takes 1e9, without a point, for a text, and a comma
    may part thousands."""
    short = re.fullmatch(r"(\d+)\s*([kmg])b?", found, re.IGNORECASE)
    if short and whole:
        return f"; write {int(short[1]) * THOUSANDS[short[2].lower()]}"
    if not whole and (share := re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*%", found)):
        return f"; write {float(share[1].replace(',', '.')) / PER_CENT:g}"
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


def known_keys(location: tuple[Any, ...], root: type[BaseModel]) -> list[str]:
    """The keys that the settings class at `location` knows."""
    model: Any = root
    for part in location[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel):
            model = next(field.annotation for name, field in _fields(model) if name == part)
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
    return sorted(name for name, _ in _fields(model))


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The keys of a section as they are written: `not` is no name in Python."""
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _elsewhere(key: str, top: str, root: type[BaseModel]) -> str:
    """Where a key stands that is not known here, below `top` at best, or what says the same, in brackets."""
    if key in ELSEWHERE:
        return f" ({ELSEWHERE[key]})"
    found = [".".join([*section, key]) for section, keys in _sections(root) if key in keys]
    places = [place for place in found if place.startswith(f"{top}.")] or found
    return f" (it stands in {' or '.join(places)})" if 0 < len(places) <= MOST_PLACES else ""


def _sections(model: type[BaseModel], *keys: str) -> Iterator[tuple[tuple[str, ...], Collection[str]]]:
    """Each section below `model`, by its keys, and what it knows; `NAME` is a key that a person chooses."""
    yield keys, model.model_fields
    for name, field in model.model_fields.items():
        for below, section in _models(field.annotation):
            if section is not model:  # a condition of a filter holds others
                yield from _sections(section, *keys, name, *below)


def _models(annotation: Any) -> Iterator[tuple[tuple[str, ...], type[BaseModel]]]:
    """The sections that a value may be, with the keys that lead to them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield (), annotation
    elif get_origin(annotation) is dict:
        yield from ((("NAME", *keys), section) for keys, section in _models(get_args(annotation)[1]))
    elif get_origin(annotation) in {UnionType, Union, Annotated}:
        for each in get_args(annotation):
            yield from _models(each)
