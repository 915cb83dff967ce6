"""HTML's escapes in texts, `&amp;`, as the characters that they mean; places in a text move along."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any

from components.data.sources.placing import ENDS, STARTS, kind_of, spans_of, text_of
from components.data.sources.record import Values
from components.errors import BadRowError
from components.families.shared.fields import as_whole, read_json

REFERENCE = re.compile(
    r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)"
)  # as `html.unescape` has it
Move = Callable[[int], int]


def unescaped(values: Values) -> Values:
    """The values of a row with characters in the place of escapes; places count the text as it was.

    Raises:
        BadRowError: a place within an escape.
    """
    move = _moves(text_of(values) or "")
    return {role: _unescaped(role, value, move) for role, value in values.items()}


def _moves(text: str) -> Move:
    """From a place in the text to that in the text without escapes."""
    found = [(*one.span(), len(one[0]) - len(html.unescape(one[0]))) for one in REFERENCE.finditer(text)]
    shorter = [(start, end, by) for start, end, by in found if by]
    ends = [end for _, end, _ in shorter]
    gone = [0, *accumulate(by for *_, by in shorter)]  # before the first, before the second, ...

    def move(place: int) -> int:
        before = bisect_right(ends, place)
        if before < len(ends) and shorter[before][0] < place:
            start, end, _ = shorter[before]
            raise BadRowError(f"place {place} is within {text[start:end]!r}, expected one beside it")
        return place - gone[before]

    return move


def _unescaped(role: str, value: Any, move: Move) -> Any:
    kind = kind_of(role)
    if value is not None and (spans := [_span(span, move) for span in spans_of(role, value)]):
        return spans[0] if kind in ENDS else spans
    if kind == "answers":
        return _answers(value, move)
    if kind == "start":
        return _start(value, move)
    if isinstance(value, dict):  # of several columns
        return {name: _unescaped(role, one, move) for name, one in value.items()}
    return html.unescape(value) if isinstance(value, str) else value


def _span(span: Mapping[str, Any], move: Move) -> Values:
    said = {"text": html.unescape(span["text"])} if isinstance(span.get("text"), str) else {}
    return {**span, "start": move(span["start"]), "end": move(span["end"]), **said}


def _answers(value: Any, move: Move) -> Any:
    """Answers, which may be lists side by side, as JSON or as such."""
    if isinstance(value, str):
        if not value.lstrip().startswith(("[", "{")):
            return html.unescape(value)
        return _answers(read_json(value, "'answers'", "a list of answers with text and start"), move)
    if isinstance(value, list):
        return [_answers(one, move) for one in value]
    if isinstance(value, Mapping):
        return {
            name: _start(one, move) if name in STARTS else _answers(one, move) for name, one in value.items()
        }
    return value


def _start(value: Any, move: Move) -> Any:
    if isinstance(value, list):
        return [_start(one, move) for one in value]
    start = as_whole(value)
    return move(start) if type(start) is int and start >= 0 else value
