"""Proposed tasks that read the same texts as others cut them where the longest of these does: a service then
reads a longer text once for all of them (docs/decisions/0119-one-cut-for-all.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from components import families
from components.data.propose.entry import Entry, TaskKeys
from components.settings.project import Task

Cut = tuple[tuple[str, ...], int]  # the fields of a question, and at how many tokens a task cuts them


def with_one_cut(entries: Sequence[Entry], declared: Mapping[str, Any]) -> list[Entry]:
    """The entries, each with the longest `max_length` that one of them, or a task that is `declared`
    (params.yaml, as it is), has for the same inputs. Of what is declared nothing changes."""
    longest: dict[tuple[str, ...], int] = {}
    for inputs, length in [*_declared(declared), *(_cut(entry) for entry in entries)]:
        longest[inputs] = max(length, longest.get(inputs, 0))
    return [_cut_at(entry, longest[_cut(entry)[0]]) for entry in entries]


def _declared(tasks: Mapping[str, Any]) -> Iterator[Cut]:
    """The cuts of the tasks that a service will answer; what is no valid task is not its own to say."""
    for keys in tasks.values():
        try:
            task = Task.model_validate(keys)
        except ValidationError:
            continue
        if task.gate and task.family in families.names():
            yield families.get(task.family).request_fields(task.columns), task.max_length


def _cut(entry: Entry) -> Cut:
    keys = entry.keys
    return families.get(keys["family"]).request_fields(keys["columns"]), keys["max_length"]


def _cut_at(entry: Entry, length: int) -> Entry:
    if length == entry.keys["max_length"]:
        return entry
    keys: TaskKeys = {**entry.keys, "max_length": length}
    remark = f"{entry.remarks['max_length']}; so many has another task that reads such texts"
    return replace(entry, keys=keys, remarks={**entry.remarks, "max_length": remark})
