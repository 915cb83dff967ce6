"""Answers that are spans of a context: as data give them, and what they must be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypedDict

from components.errors import BadRowError
from components.families.shared.fields import as_whole, read_json
from components.spelling import is_blank

FORMS = "a list of answers with text and start"


class Answer(TypedDict):
    """A span of the context. JSON."""

    text: str
    start: int  # in characters


class GivenAnswer(TypedDict):
    """An answer as data give it. JSON."""

    text: str
    start: int | None  # None where they do not say


def read_answers(value: Any) -> list[GivenAnswer]:
    """Answers as [{"text", "start"}], with SQuAD's "answer_start", as Hugging Face's two lists, or as texts
    alone; as such or as JSON; an empty list, or an empty text, where the question has none.

    Raises:
        BadRowError: what was found instead.
    """
    if isinstance(value, str) and not value.lstrip().startswith(("[", "{")):
        value = [value]
    given = read_json(value, "'answers'", FORMS)
    if isinstance(given, Mapping) and isinstance(given.get("text"), str):
        given = [given]
    if isinstance(given, Mapping):
        texts, starts = given.get("text"), given.get("answer_start", given.get("start"))
        if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
            raise BadRowError(f"'answers' is {value!r:.60}, expected as many texts as starts")
        given = [{"text": text, "start": start} for text, start in zip(texts, starts, strict=True)]
    if not isinstance(given, list):
        raise BadRowError(f"'answers' is {value!r:.60}, expected {FORMS}")
    objects = [{"text": answer} if isinstance(answer, str) else answer for answer in given]
    some = [answer for answer in objects if not (isinstance(answer, Mapping) and answer.get("text") == "")]
    return [_read_answer(answer, number) for number, answer in enumerate(some, 1)]


def _read_answer(answer: Any, number: int) -> GivenAnswer:
    found = answer if isinstance(answer, Mapping) else {}
    text, start = found.get("text"), as_whole(found.get("start", found.get("answer_start")))
    if not isinstance(text, str) or not text.strip() or (start is not None and type(start) is not int):
        raise BadRowError(f"answer {number} is {answer!r:.60}, expected an object with text and start")
    return {"text": text, "start": start}


def started(answers: list[GivenAnswer], start: Any) -> list[GivenAnswer]:
    """The answers with the start that a column of its own gives: of the only answer; of none it says nothing.

    Raises:
        BadRowError: it is no place, or there are several answers.
    """
    if is_blank(start) or not answers:
        return answers
    if type(place := as_whole(start)) is not int:
        raise BadRowError(f"'start' is {start!r:.60}, expected where the answer begins in the context")
    if len(answers) > 1:
        raise BadRowError(f"there are {len(answers)} answers, expected one beside 'start'")
    return [{"text": answers[0]["text"], "start": place}]


def checked(answer: GivenAnswer, context: str, number: int, repair: bool) -> Answer:
    """The answer, at the offset where it is; `repair` takes the nearest to the one given. Without an offset
    it must stand in the context once; `repair` takes the first."""
    text, start = answer["text"], answer["start"]
    if start is not None and start >= 0 and context.startswith(text, start):
        return {"text": text, "start": start}
    found = [match.start() for match in re.finditer(f"(?={re.escape(text)})", context)]
    if not found:
        raise BadRowError(f"answer {number}, {text!r:.40}, is not in the context")
    if start is None:
        if len(found) > 1 and not repair:
            raise BadRowError(
                f"answer {number}, {text!r:.40}, stands {len(found)} times in the context, expected its "
                f"start, or `repair: true` for the first"
            )
        return {"text": text, "start": found[0]}
    if not repair:
        raise BadRowError(
            f"answer {number}, {text!r:.40}, is not at {start} of the context but at {found[0]}; "
            f"expected its offset in characters, or `repair: true`"
        )
    return {"text": text, "start": min(found, key=lambda place: abs(place - start))}
