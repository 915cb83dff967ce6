"""The spans that a row's roles hold: their places in characters, and what the export says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from components.data.sources.offsets import Counting, MisplacedError, Span, Tally, check_surface
from components.data.sources.record import Values
from components.errors import BadRowError
from components.families.shared.fields import as_whole, read_json
from components.families.shared.spans import span_list
from components.settings.data import Source

ENDS = ("head", "tail")


def placed(values: Values, source: Source) -> Values:
    """The values with the places of their spans in characters; a value in no form known here is left to its
    family, which says so.

    Raises:
        MisplacedError: a span is outside the text, or the export says that something else stands there.
    """
    text, counting = text_of(values), Counting.of(source)
    if text is None:
        return values
    found = dict(values)
    for role, value in values.items():
        spans = spans_of(role, value)
        if spans and (not counting.plain or any("text" in span for span in spans)):
            moved = [counting.place(text, span, f"span {number}") for number, span in enumerate(spans, 1)]
            check_surface(text, moved)
            found[role] = moved[0] if kind_of(role) in ENDS else moved
        elif kind_of(role) == "answers" and not counting.plain:
            found[role] = _answers(value, text, counting)
        elif kind_of(role) == "start" and not counting.plain:
            found[role] = _moved(value, text, counting)
    return found


def spans_in(values: Values) -> tuple[str, list[Span]]:
    """The text of a row's roles, and all spans of it whose places are numbers."""
    text = text_of(values)
    return text or "", [span for role, value in values.items() for span in spans_of(role, value) if text]


def tally_of(rows: Iterable[tuple[str, Mapping[str, Any]]], source: Source) -> Tally:
    """How many of the spans of some rows (place, roles or a document) stand where they are said to."""
    tally = Tally(Counting.of(source))
    for place, values in rows:
        tally.add(place, *spans_in(dict(values)))
    return tally


def explained(error: BadRowError, tally: Tally, path: Path) -> str:
    """A clause for a span that is misplaced: how many of the file's are, and what reads them."""
    if not isinstance(error, MisplacedError) or tally.wrong < 2:
        return f"{error}{tally.advice if isinstance(error, MisplacedError) else ''}"
    return f"{error}; so it is with {tally.wrong:,} of {tally.spans:,} spans of {path.name}{tally.advice}"


def text_of(values: Values) -> str | None:
    """What the places of a row's roles count."""
    found = [values.get(role) for role in ("text", "context")]
    return next((value for value in found if isinstance(value, str)), None)


def kind_of(role: str) -> str:
    """The role without the name of the joint head before it."""
    return role.rpartition(".")[2]


def spans_of(role: str, value: Any) -> list[Span]:
    """The spans that a role holds; none where the value is in no form known here."""
    try:
        if kind_of(role) == "spans":
            spans = span_list(value)
        elif kind_of(role) in ENDS:
            spans = [_end(read_json(value, "", ""))]
        else:
            return []
    except BadRowError:
        return []
    return spans if all(type(span[end]) is int for span in spans for end in ("start", "end")) else []


def _end(value: Any) -> Span:
    if isinstance(value, list | tuple) and len(value) == 2:
        return {"start": as_whole(value[0]), "end": as_whole(value[1])}
    if not isinstance(value, Mapping) or not {"start", "end"} <= value.keys():
        raise BadRowError("no span")
    said = {"text": value["text"]} if isinstance(value.get("text"), str) else {}
    return {"start": as_whole(value["start"]), "end": as_whole(value["end"]), **said}


def _answers(value: Any, text: str, counting: Counting) -> Any:
    """Answers with their starts in characters; a text alone has none."""
    if isinstance(value, str) and not value.lstrip().startswith(("[", "{")):
        return value
    given = read_json(value, "'answers'", "a list of answers with text and start")
    if isinstance(given, Mapping):
        return {key: _moved(one, text, counting) if key in STARTS else one for key, one in given.items()}
    if not isinstance(given, list):
        return given
    return [_answers(answer, text, counting) if isinstance(answer, Mapping) else answer for answer in given]


STARTS = ("start", "answer_start")


def _moved(start: Any, text: str, counting: Counting) -> Any:
    if isinstance(start, list):
        return [_moved(one, text, counting) for one in start]
    start = as_whole(start)
    if type(start) is not int or start < 0:
        return start
    behind = Counting(counting.offsets)
    return behind.place(text, {"start": start, "end": start}, "an answer")["start"]
