"""Dialogues with an assistant, as models are tuned on them: `messages` with `role` and `content`, or
`conversations` with `from` and `value`, JSON Lines or a JSON list."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.json_list import read_objects, without_repeats
from components.data.sources.record import Numbered, Skipped, Unreadable, Values
from components.families.shared.fields import turn_of
from components.settings.data import Source

LISTS = ("messages", "conversations", "conversation")
KEYS = ({"role", "content"}, {"from", "value"})
USERS = ("user", "human")
ASSISTANTS = ("assistant", "gpt", "model", "bot", "chatgpt", "agent")


def read_chat(path: Path, source: Source) -> Numbered:
    """`target`, the assistant's last answer; `turns`, what stands before it; `text`, what was asked last; and
    the object's own columns."""
    for number, found in without_repeats(read_objects(path, source)):
        yield number, found if isinstance(found, Skipped) else _row(found)


def _row(found: Mapping[str, Any]) -> Values:
    given = _turns(found)
    if given is None:
        return Unreadable(f"no list of turns, expected it in {' or '.join(map(repr, LISTS))}")
    turns = [turn_of(turn) for turn in given]
    places = [place for place, turn in enumerate(turns) if turn["role"] in ASSISTANTS]
    if not places or not places[-1]:
        return Skipped("a dialogue that no assistant answers")
    before = turns[: places[-1]]
    asked = [turn["text"] for turn in before if turn["role"] in USERS]
    said = {"turns": before, "text": asked[-1] if asked else None, "target": turns[places[-1]]["text"]}
    return {**found, **said}


def _turns(found: Mapping[str, Any]) -> list[Any] | None:
    lists = (found[name] for name in LISTS if isinstance(found.get(name), list))
    return next((turns for turns in lists if all(isinstance(turn, Mapping) for turn in turns)), None)


def _is_chat(sample: Sample) -> bool:
    lists = [_turns(one) for one in sample.objects]
    turns = [turn for one in lists for turn in one or ()]
    known = all(any(keys <= turn.keys() for keys in KEYS) for turn in turns)
    answered = any(turn_of(turn)["role"] in ASSISTANTS for turn in turns) if known else False
    return bool(turns) and all(lists) and answered


FORMATS = {"chat": Format(read_chat, _is_chat)}
