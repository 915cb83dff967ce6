"""What pydantic says of params.yaml, as one clear sentence: the key, what was found, what was expected."""

from __future__ import annotations

import re
from types import NoneType, UnionType
from typing import Any

from pydantic import BaseModel

from components.errors import near_miss
from components.settings.remotes import KINDS
from components.settings.secrets import redact


def sentence(error: Any, root: type[BaseModel]) -> str:
    """One clear sentence for a complaint about `root`."""
    where = ".".join(_keys(error["loc"]))
    if error["type"].startswith("union_tag"):
        found = error["ctx"].get("tag", "nothing")
        return f"{where}.kind: found {found}{near_miss(found, KINDS)}; expected one of {', '.join(KINDS)}"
    if error["type"] == "extra_forbidden":
        section = _section(error["loc"], root)
        expected = ", ".join(section)
        return f"{where}: unknown key{near_miss(error['loc'][-1], section)}; expected one of {expected}"
    if error["type"] == "missing":
        return f"{where}: missing; it has no default"
    return complaint(error, where)


def complaint(error: Any, where: str) -> str:
    """A value that is not what its key expects."""
    found = error["input"]
    suggestion = ""
    if error["type"] == "literal_error":
        suggestion = near_miss(found, re.findall("'([^']*)'", error["ctx"]["expected"]))
    message = error["msg"].removeprefix("Value error, ")
    if isinstance(found, dict | BaseModel):
        return f"{where}: {message}"
    return f"{where}: found {redact(repr(found))}, {message[0].lower()}{message[1:]}{suggestion}"


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
    return sorted(model.model_fields)
