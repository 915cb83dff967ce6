"""The rows of a task that were accepted from feedback, as ingest reads them: columns are called as their
roles, labels as the model answers them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from components import families
from components.data.contract import accepted
from components.data.contract.rows import column_of
from components.data.ingest.reader import Reader
from components.data.sources.record import Record
from components.families.base import Row
from components.settings.columns import Columns
from components.settings.project import Task


def reader_of(name: str, task: Task) -> Reader:
    """A reader of a task's rows whose columns are called as their roles, and whose labels no map renames."""
    joint = {
        head: own.model_copy(update={"columns": _roles(own.family), "label_map": {}})
        for head, own in task.joint.items()
    }
    return Reader(name, task.model_copy(update={"columns": _roles(task.family), "joint": joint}))


def _roles(family: str) -> Columns:
    own = families.get(family)
    return {role: role for role in (*own.input_roles(), *own.targets)}


def records(name: str, file: Path) -> Iterator[Record]:
    """The rows of a task's file: what was asked once, with the newest answer of each head.

    Raises:
        UserError: the file is damaged.
    """
    rows: dict[str, Record] = {}
    answers: dict[str, dict[str, Row]] = defaultdict(dict)
    for number, one in enumerate(accepted.read(file), 1):
        asked = accepted.spelled(one.inputs)
        answers[asked][one.head] = one.answer
        place = f"{accepted.FOLDER / file.name}: row {number}"
        rows[asked] = record_of(name, place, one.id, one.inputs, answers[asked])
    yield from rows.values()


def record_of(name: str, place: str, key: str, inputs: Row, answers: Mapping[str, Row]) -> Record:
    """What was asked, and the answers of some heads of the task, as a record of it."""
    values = {
        column_of(name, head, role): value for head, one in answers.items() for role, value in one.items()
    }
    return Record("train", place, {**inputs, **values, "id": f"feedback-{key}"}, accepted=True)
