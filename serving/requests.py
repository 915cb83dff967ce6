"""What a request looks like, and the one sentence for one that does not; without BentoML, so that a command
that answers one text need not import it."""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from collections.abc import Callable
from typing import Annotated, Any, Optional, TypeVar, Union, get_origin

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError, create_model

from components import families as tasks
from components.errors import near_miss
from components.families.base import Turn
from components.families.shared.probabilities import KEPT
from components.repeated import distinct

Shape = TypeVar("Shape", bound=BaseModel)
MOST_TEXTS = 10_000  # in a request, whatever the release allows: more objects would take seconds to read


class RefusedError(Exception):
    """No answer: one clear sentence and an HTTP status; `after` seconds it may be asked again."""

    status = 400
    after: int | None = None


class BadRequestError(RefusedError):
    """The caller's mistake: a status of 4xx."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


class BusyError(RefusedError):
    """Too much to do: in so many `seconds` half of it is done."""

    status = 503

    def __init__(self, sentence: str, seconds: float = 2.0) -> None:
        super().__init__(sentence)
        self.after = max(1, math.ceil(seconds / 2))


class LateError(BusyError):
    """Let in, and not answered in time."""


class _FirstFault(FailFast):
    """For a list that is read to its first fault: a million of them would take seconds to name."""

    def __hash__(self) -> int:  # a member of a union needs one
        return 0


def _quick(kind: Any) -> Any:
    return Annotated[kind, _FirstFault()] if get_origin(kind) is list else kind


# Every family brings its own questions and answers, so a new family appears here by itself. A field that
# families type differently is of any of these types; the family that is asked reads it.
_TYPES: dict[str, dict[Any, None]] = {}
for _family in map(tasks.get, tasks.names()):
    for _name, _field in _family.request.model_fields.items():
        _TYPES.setdefault(_name, {})[_field.annotation] = None
_FIELDS: dict[str, Any] = {
    name: (Optional[Union[tuple(map(_quick, types))]], None)  # noqa: UP007, UP045 the types are values here
    for name, types in _TYPES.items()
}
_MEMBERS = {getattr(kind, "__name__", "") for types in _TYPES.values() if len(types) > 1 for kind in types}
Item: Any = create_model("Item", __config__=ConfigDict(extra="forbid"), **_FIELDS)
Item.__doc__ = "What a task reads: a text, two as a pair, or the fields that GET /tasks names as its inputs."


class Request(BaseModel):
    """Texts to be answered, and the tasks asked of each; without `tasks`, all that read such a text. Of a
    long list of labels `top` has the best."""

    model_config = ConfigDict(extra="forbid")

    texts: Annotated[list[str | Item], _FirstFault()] = Field(
        max_length=MOST_TEXTS, description="Strings, or objects with a task's inputs."
    )
    tasks: Annotated[list[str], _FirstFault()] | None = Field(
        None, description="Names from GET /tasks; all that fit, if left out."
    )
    top: int | None = Field(
        None, ge=1, le=KEPT, strict=True, description="Of what an answer ranks (labels, templates), so many."
    )


JSON_NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}
SHOWN = 60  # characters of a key
MOST_FAULTS = 1000  # that are looked at
EXPECTED = {
    "list_type": "a list",
    "string_type": "a string",
    "dict_type": "an object",
    "float_type": "a number",
    "float_parsing": "a number",
    "too_long": f"a list of at most {MOST_TEXTS} texts",
    "int_type": f"a whole number from 1 to {KEPT}",
    "greater_than_equal": f"a whole number from 1 to {KEPT}",
    "less_than_equal": f"a whole number from 1 to {KEPT}",
}


def parse(body: bytes) -> Request:
    """Read a request's body.

    Raises:
        BadRequestError: it is not JSON, or not of this shape.
    """
    return shaped(Request, body, 'an object such as {"texts": ["..."]}', _sentence)


def shaped(shape: type[Shape], body: bytes, expected: str, sentence: Callable[[list[Any]], str]) -> Shape:
    """A body of JSON as a record of this shape; `sentence` is made of pydantic's complaints.

    Raises:
        BadRequestError: it is not JSON, not of the shape, or an object has a key twice.
    """
    body = body.removeprefix(BOM_UTF8)  # which PowerShell and .NET write
    try:
        found = shape.model_validate_json(body)
    except ValidationError as error:
        faults = error.error_count()
        said = f"the body has {faults} unknown keys or values of the wrong kind; expected {expected}"
        # to name them all would take seconds
        raise BadRequestError(said if faults > MOST_FAULTS else sentence(error.errors())) from None
    try:
        json.loads(body, object_pairs_hook=distinct)  # of equal keys pydantic takes the last without a word
    except ValueError as error:
        raise BadRequestError(f"the body is ambiguous: {error}") from None
    return found


def _sentence(errors: list[Any]) -> str:
    """One clear sentence for pydantic's complaints; of a text, the last is about the object it may be."""
    error = [other for other in errors if other["loc"][:2] == errors[0]["loc"][:2]][-1]
    # where pydantic says which member of a union it speaks of
    named = {2: {Item.__name__}, 4: _MEMBERS, 5: {Turn.__name__}}
    parts = [part for place, part in enumerate(error["loc"]) if part not in named.get(place, ())]
    parts = [part[:SHOWN] if isinstance(part, str) else part for part in parts]
    of_turn = parts[2:3] == ["turns"]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
    found = JSON_NAMES.get(type(error["input"]), "bytes")
    if error["type"] == "json_invalid":
        return f"the body is not JSON: {error['ctx']['error']}"
    if not where:
        return f'the body is {found}, expected an object such as {{"texts": ["..."]}}'
    if error["type"] == "extra_forbidden":
        model = Turn if of_turn else Item if len(parts) > 1 else Request
        known, near = list(model.model_fields), near_miss(parts[-1], model.model_fields)
        return f"{where}: unknown key{near}; expected some of {', '.join(known)}"
    if error["type"] == "missing":
        return f"{where}: missing"
    either = "role and text" if of_turn else "a task's inputs"
    expected = EXPECTED.get(error["type"], f"a string or an object with {either}")
    return f"{where}: found {found}, expected {expected}"
