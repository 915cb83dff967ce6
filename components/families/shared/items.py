"""A list or an object that a table holds as text: as JSON, Python or numpy writes it."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from components.errors import BadRowError

# What pandas and numpy write around a list: "array([...], dtype=object)", "set()", "frozenset({...})".
_WRAPPED = re.compile(
    r"(?:np\.)?(?:array|set|frozenset|list|tuple)\((.*?)(?:,\s*dtype=[\w.'<>]+)?\)", re.DOTALL
)
_BRACKETS = re.compile(r"\[(.*)\]|\((?=['\"]|\))(.*)\)|\{(?=['\"]|\})(.*)\}|\{([^{}:]*)\}", re.DOTALL)
_ANGLES = re.compile(r"(?:<[^<>]+>)+")  # as Stack Exchange writes tags: <python><pandas>
_QUOTED = r"""(?:[urUR]|np\.str_\()?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\)?"""
_WHOLE = re.compile(r"^([-+]?\d+)\.$")  # as numpy writes 1.0
_ITEM = re.compile(rf"""\s*(?:{_QUOTED}|([^'",\s][^,]*?))\s*(,|$|(?=['"]))""", re.DOTALL)


_STRING = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_ARRAY = re.compile(r"(?:np\.)?array\((\[[^()]*\])(?:,\s*dtype=[\w.'<>]+)?\)|np\.\w+\(([^()]*)\)")


def read_literal(text: str) -> Any:
    """What a cell holds as JSON or as Python writes it, numpy's arrays and numbers within as Python's.

    Raises:
        ValueError: neither, or texts with no comma between them.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if re.search(r"''\s*''", _STRING.sub("''", text)):  # as numpy writes items; Python would join them
        raise ValueError("texts without a comma between them")
    for spelled in (text, _ARRAY.sub(lambda found: found[1] or found[2], text)):
        try:
            return ast.literal_eval(spelled.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    raise ValueError("neither JSON nor an object of Python")


def read_items(text: str) -> list[Any] | None:
    """The items of a text that is such a list; None where it is none.

    Raises:
        BadRowError: it begins like a list, and is none.
    """
    text = text.strip()
    wrapped = _WRAPPED.fullmatch(text)
    text = wrapped[1].strip() if wrapped else text
    if wrapped and not text:
        return []
    try:
        found = json.loads(text) if text.startswith("[") else None
        if isinstance(found, list):
            return found
    except (ValueError, RecursionError):
        pass
    if _ANGLES.fullmatch(text):
        return text[1:-1].split("><")
    brackets = _BRACKETS.fullmatch(text)
    if brackets is not None:
        return _items(next(part for part in brackets.groups() if part is not None), text)
    if text.startswith("["):
        raise BadRowError(f"'labels' is {text!r:.60}, expected a JSON list")
    return None


def _items(inner: str, text: str) -> list[Any]:
    """Items between commas or, as numpy has them, one after the other."""
    if "," not in inner and not {"'", '"'} & set(inner):
        return [_WHOLE.sub(r"\1", item) for item in inner.split()]
    items, place, inner = [], 0, inner.strip().rstrip(",").rstrip()
    while place < len(inner):
        match = _ITEM.match(inner, place)
        if match is None:
            raise BadRowError(f"'labels' is {text!r:.60}, expected a JSON list")
        quoted, plain, _ = match.groups()
        items.append(ast.literal_eval(quoted) if quoted else plain)
        place = match.end()
    return items
