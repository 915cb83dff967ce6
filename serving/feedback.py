"""POST /feedback: right answers to predictions, checked as training rows are and kept for a person to accept
(docs/how-to/feedback.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from components import families
from components.errors import BadRowError, near_miss
from components.families.base import Row, Turn
from components.families.base.capabilities import ExtraFiles
from components.monitoring.feedback.records import ID, Feedback
from components.monitoring.feedback.store import FullError, Store
from serving import settings
from serving.bundle import card, release
from serving.faults import log_fault
from serving.questions import row_of
from serving.requests import JSON_NAMES, MOST_TEXTS, BadRequestError, Item, shaped

if TYPE_CHECKING:
    from components.data.contract.cards import HeadCard
    from serving.questions import Reader

MOST = 1000  # in a request
KEEPER = ThreadPoolExecutor(1, "feedback")  # a slow disk takes no thread of others: /metrics needs one
EXAMPLE = 'an object such as {"feedback": [{"id": "...", "task": "...", "input": "...", "answer": {...}}]}'
PLACE = f"a whole number from 0 to {MOST_TEXTS - 1}"
EXPECTED = {
    "string_pattern_mismatch": "an X-Request-ID of the service: 1 to 64 letters, digits and .:_-",
    "too_long": f"a list of at most {MOST}",
    "too_short": "a list that is not empty",
    "list_type": "a list",
    "string_type": "a string",
    "dict_type": "an object",
    **dict.fromkeys(("int_type", "greater_than_equal", "less_than"), PLACE),
}


class Answer(BaseModel):
    """The right answer of one task to one text of a request."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=f"^{ID}$", description="The X-Request-ID of the prediction's response.")
    item: int = Field(0, ge=0, lt=MOST_TEXTS, strict=True, description="Which text of that request, from 0.")
    task: str = Field(max_length=1000, description="The task that answered.")
    input: str | Item | None = Field(
        None, description="What was asked, as in the request; only a service that records texts knows it."
    )
    answer: dict[str, JsonValue] = Field(description="The right one, as the task's rows have it.")


class Answers(BaseModel):
    """Right answers to predictions."""

    model_config = ConfigDict(extra="forbid")

    feedback: Annotated[list[Answer], Field(min_length=1, max_length=MOST)]


class Kept(TypedDict):
    """What has become of them."""

    kept: int  # that are new
    known: int  # that are not
    notes: dict[str, str]  # number in the request -> what this release's labels have against it


def parse(body: bytes) -> Answers:
    """Read a request's body.

    Raises:
        BadRequestError: it is not JSON, or not of this shape.
    """
    return shaped(Answers, body, EXAMPLE, lambda errors: _sentence(_telling(errors)))


def _telling(errors: Sequence[Any]) -> Any:
    """Of pydantic's complaints the one that says most. A misspelt key is also a missing one; of an input,
    which may be a string, the last is about the object that was sent."""
    misspelt = [one for one in errors if one["type"] == "extra_forbidden"]
    of_same = [one for one in errors if one["loc"][:3] == errors[0]["loc"][:3]]
    return (misspelt or of_same[-1:])[0]


def _sentence(error: Any) -> str:
    """One clear sentence for a complaint of pydantic's."""
    parts = [part for part in error["loc"] if part not in (Item.__name__, Turn.__name__, "str")]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{_line(part)}" for part in parts)
    where = where.lstrip(".")
    if error["type"] == "json_invalid":
        return f"the body is not JSON: {error['ctx']['error']}"
    if error["type"] == "missing":
        return f"{where}: missing"
    if error["type"] == "extra_forbidden":
        model = Turn if "turns" in parts else Item if "input" in parts else Answer
        known = list((model if len(parts) > 1 else Answers).model_fields)
        near = near_miss(parts[-1], known)
        return f"{where}: unknown key{near}; expected some of {', '.join(known)}"
    found = JSON_NAMES.get(type(error["input"]), "bytes")
    if not where:
        return f"the body is {found}, expected {EXAMPLE}"
    if isinstance(error["input"], str):
        found = f"'{_line(error['input'])}'"
    if isinstance(error["input"], int) and not isinstance(error["input"], bool):
        found = f"{error['input']}"[:60]
    either = "role and text" if "turns" in parts else "the task's inputs"
    expected = f"a string or an object with {either}" if parts[2:3] == ["input"] else "an object"
    return f"{where}: found {found}, expected {EXPECTED.get(error['type'], expected)}"


def _line(text: str) -> str:
    """The beginning of what a caller wrote, in one line."""
    return " ".join(text[:60].split())


@cache
def store() -> Store | None:
    """Where this worker keeps feedback, as whoever serves has said; None where nobody has."""
    said = settings.feedback()
    return None if said is None else Store(Path(said.folder), said.max_bytes)


@cache
def texts_are_recorded() -> bool:
    """Whether the texts that this service is asked can be found again by their request."""
    said = settings.traffic()
    return said is not None and said.texts


async def keep(answers: Sequence[Answer], reader: Reader) -> Kept:
    """Check all, then keep one after the other.

    Raises:
        BadRequestError: one of them is no right answer, or nothing is kept here: then none is kept. Or there
            is no more room, or none on the disk: then those before are kept, and sent again they are known.
    """
    if (place := store()) is None:
        raise BadRequestError("this service keeps no feedback; whoever runs it sets `feedback`", 404)
    try:
        return await asyncio.get_running_loop().run_in_executor(KEEPER, _keep, place, answers, reader)
    except FullError:
        raise BadRequestError("too much feedback waits to be looked at; nothing more is kept", 507) from None
    except OSError as error:
        log_fault("feedback cannot be written", error)
        raise BadRequestError(
            "the feedback cannot be written here; the service's log says why", 507
        ) from None


def _keep(place: Store, answers: Sequence[Answer], reader: Reader) -> Kept:
    """None is kept before all are checked."""
    checked = [_checked(f"feedback[{number}]", one, reader) for number, one in enumerate(answers)]
    new = [place.add(one) for one in checked]
    notes = {str(number): one.note for number, one in enumerate(checked) if one.note}
    return Kept(kept=sum(new), known=len(new) - sum(new), notes=notes)


def _checked(where: str, one: Answer, reader: Reader) -> Feedback:
    if one.task not in reader.cards:
        known = ", ".join(reader.cards)
        raise BadRequestError(
            f"{where}.task: unknown task '{one.task:.60}'{near_miss(one.task, reader.cards)}; expected one "
            f"of {known}"
        )
    head = reader.cards[one.task]
    _check_roles(f"{where}.answer", one.answer, head, reader.limits.max_characters)
    inputs = None if one.input is None else row_of(one.input)
    try:
        json.dumps([inputs, one.answer], allow_nan=False)
    except ValueError:
        raise BadRequestError(f"{where}: a number in it is not finite") from None
    return Feedback(
        request=one.id,
        item=one.item,
        task=one.task,
        inputs=inputs,
        answer=one.answer,
        release=release() or card().version,
        received=datetime.now(UTC).isoformat(timespec="seconds"),
        note=_unasked(where) if inputs is None else _read(where, inputs, one, head, reader),
    )


def _check_roles(where: str, answer: Mapping[str, Any], head: HeadCard, longest: int) -> None:
    """An answer has targets of the task, and nothing else."""
    targets = families.get(head["family"]).targets
    if not targets:
        raise BadRequestError(f"{where}: the task learns from texts alone, and nobody can correct it")
    if unknown := next((role for role in answer if role not in targets), None):
        raise BadRequestError(
            f"{where}: unknown key '{unknown:.60}'{near_miss(unknown, targets)}; expected some of "
            f"{', '.join(targets)}"
        )
    if not answer:
        raise BadRequestError(f"{where}: empty, expected some of {', '.join(targets)}")
    if (size := len(json.dumps(answer, ensure_ascii=False))) > 2 * longest:
        raise BadRequestError(f"{where}: {size} characters, expected at most {2 * longest}")


def _unasked(where: str) -> str:
    """What was asked is not said, so it must have been recorded."""
    if not texts_are_recorded():
        raise BadRequestError(
            f"{where}.input: missing; this service records no texts, so send what was asked"
        )
    return ""


def _read(where: str, inputs: Row, one: Answer, head: HeadCard, reader: Reader) -> str:
    """Read the answer as a training row; what the release's labels have against it, which a person may
    overrule."""
    reader.check_inputs(f"{where}.input", inputs, one.task)
    family, options = families.get(head["family"]), head["facts"]["options"]
    try:
        row = family.read_input(inputs, options)
        if isinstance(family, ExtraFiles):  # which are not here
            return ""
        row |= family.read_target({**inputs, **one.answer}, row, options)
    except BadRowError as error:
        raise BadRequestError(f"{where}: {error}") from None
    try:
        family.check_row(row, head["facts"])
    except BadRowError as error:
        return str(error)
    return ""
