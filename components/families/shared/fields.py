"""The values of a record, read or refused: BadRowError says what was found and what was expected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from components.errors import BadRowError, NotANumberError
from components.families.shared.items import read_literal
from components.spelling import is_blank, plain, trimmed


def read_text(record: Mapping[str, Any], role: str) -> str:
    """A text that is there and is not blank, as it stands: spans are offsets into it."""
    value = record.get(role)
    if is_blank(value):
        raise BadRowError(f"'{role}' is {'empty' if isinstance(value, str) else 'missing'}, expected a text")
    if not isinstance(value, str):
        raise BadRowError(f"'{role}' is {value!r:.60}, expected a text")
    return whole(value, role)


def whole(text: str, role: str) -> str:
    """The text, if it is Unicode: half a surrogate pair is no character, and no tokenizer takes it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadRowError(
            f"'{role}' has half a surrogate pair at character {error.start}, expected Unicode text"
        ) from None
    return text


def read_label(record: Mapping[str, Any], role: str) -> str:
    """A label: a text that is not blank, or a whole number, if as a float, as pandas has one beside NaN; or
    the only one of a list."""
    value = record.get(role)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, int) or (isinstance(value, float | Decimal) and value % 1 == 0):
        return plain(value)
    return trimmed(read_text({role: value}, role))


def as_whole(value: Any) -> Any:
    """A place or a count as tables hold it, 5.0 or "5", as the whole number that it is; else the value."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    is_digits = isinstance(value, str) and value.isascii() and value.strip().isdecimal()
    return int(value) if is_digits else value


def read_number(record: Mapping[str, Any], role: str) -> float:
    """A finite number; "90 %" is 0.9."""
    value: Any = record.get(role)
    try:
        number = _number(value) if isinstance(value, str) else float(value)
    except (TypeError, ValueError, OverflowError):
        raise NotANumberError(f"'{role}' is {value!r:.60}, expected a number") from None
    if not np.isfinite(number):
        raise BadRowError(f"'{role}' is {value!r}, expected a finite number")
    return number


def _number(text: str) -> float:
    text = signed(trimmed(text)).replace("\N{MINUS SIGN}", "-")
    if "_" in text:  # Python's own sign between thousands
        raise ValueError(text)
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def signed(text: str) -> str:
    """A number in brackets, as accountants write one that is below zero, with a sign."""
    return f"-{text[1:-1].strip()}" if re.fullmatch(r"\(\W{0,2}\d.*\)|\(.*\d\W{0,2}\)", text) else text


def read_json(value: Any, what: str, expected: str) -> Any:
    """A value that may be given as text, as JSON or as Python writes it."""
    if not isinstance(value, str):
        return value
    try:
        return read_literal(value)
    except ValueError:
        raise BadRowError(f"{what} is {value!r:.60}, expected {expected}") from None


def read_list(record: Mapping[str, Any], role: str) -> list[Any]:
    """A list that is not empty, as such or as JSON text."""
    value = read_json(record.get(role), f"'{role}'", "a JSON list")
    if not isinstance(value, list) or not value:
        raise BadRowError(f"'{role}' is {value!r:.60}, expected a list that is not empty")
    return value


SPEAKERS, SAID = ("role", "from", "speaker"), ("text", "content", "value", "utterance")


def turn_of(turn: Mapping[str, Any]) -> Mapping[str, Any]:
    """A turn with `role` and `text`, which some call `from` and `value`, or `content`; in parts, as newer
    exports have a content, those that are texts."""
    role = next((turn[name] for name in SPEAKERS if turn.get(name) is not None), None)
    said = next((turn[name] for name in SAID if turn.get(name) is not None), None)
    if isinstance(said, list):
        said = "\n".join(part["text"] for part in said if isinstance(part, Mapping) and "text" in part)
    return {"role": role, "text": said}


def read_turns(value: Any) -> str:
    """A dialogue (as a list or as JSON) -> one text, a line "role: text" for every turn.

    A turn is an object as `turn_of` takes it, or a string: then the speakers are A and B by turns.
    """
    lines = []
    for number, turn in enumerate(read_list({"turns": value}, "turns"), 1):
        entry = turn_of(turn) if isinstance(turn, dict) else {"role": "AB"[(number - 1) % 2], "text": turn}
        try:
            lines.append(": ".join(read_text(entry, key).strip() for key in ("role", "text")))
        except BadRowError as error:
            raise BadRowError(f"turn {number}: {error}") from None
    return "\n".join(lines)
