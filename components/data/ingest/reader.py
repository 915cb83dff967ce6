"""Records of a source -> rows of the data contract: the inputs once, every head's target beside them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from components import families
from components.data.contract.rows import column_of
from components.data.sources.formats import read, read_all
from components.data.sources.formats.labels import LABELLED, LabelMap
from components.data.sources.formats.select import folded
from components.data.sources.numbers import unit_of
from components.data.sources.record import Record
from components.errors import BadRowError, NotANumberError, SkippedRowError
from components.families.base import Family, Row
from components.families.base.capabilities import ExtraFiles
from components.families.shared.fields import read_number
from components.families.shared.fingerprint import text_key
from components.settings.columns import Columns
from components.settings.data import Source
from components.settings.project import Annotation, Task
from components.spelling import is_blank, plain

LESSON = "(lesson)"  # the name of no family's column
NO_NUMBER = re.compile(r"'(?P<column>.*?)' is '(?P<value>.*)', expected a number")
COMMA = re.compile(r"\d,\d")
DECIMAL = '; where a comma is the decimal sign, set `decimal: ","` below source, else `decimal: "."`'


@dataclass(frozen=True)
class Head:
    """What the rows are asked by one head, as ingest reads it."""

    name: str
    family: Family
    columns: Columns
    labels: list[str] | None
    options: Mapping[str, Any]  # validated, with their defaults
    read_options: Mapping[str, Any]  # the same with what files besides the source hold
    label_map: LabelMap  # of a joint head; that of the task itself is the source's

    @classmethod
    def of(cls, name: str, annotation: Annotation) -> Head:
        family = families.get(annotation.family)
        options = family.options.model_validate(annotation.options).model_dump(mode="json")
        read_options = with_extra_files(family, options)
        spelled = partial(family.raw_labels, options=options)
        label_map = LabelMap(annotation.label_map, spelled, f"joint.{name}.label_map")
        return cls(name, family, annotation.columns, annotation.labels, options, read_options, label_map)

    @property
    def first(self) -> str:
        """The target column whose None says that a row has no target."""
        return str(self.family.target_schema().names[0])

    def as_declared(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values with labels as `labels` spells them, where they differ as 1 and 1.0 do."""
        if self.labels is None:
            return values
        known = {folded(label): label for label in self.labels}
        found = {role: values[role] for role in LABELLED if role in values and not is_blank(values[role])}
        return {**values, **{role: self._declared(value, known) for role, value in found.items()}}

    def _declared(self, value: Any, known: Mapping[str, str]) -> Any:
        if isinstance(value, list | dict) or plain(value) in known.values():
            return value
        return known.get(folded(plain(value)), value)

    def lacks(self, values: Mapping[str, Any]) -> bool:
        """Has the source nothing to say of this head's target?"""
        targets = self.family.targets
        roles = [role for role, required in targets.items() if required]
        roles = roles or [role for role in targets if role not in self.family.input_roles()]
        return all(_is_missing(values.get(role)) for role in roles)


def _hint(problem: str, source: Source) -> str:
    """The settings that could read a number, by the sentence that refuses it."""
    found = NO_NUMBER.fullmatch(problem)
    if not found:
        return ""
    column, value, unit = found["column"], found["value"], unit_of(found["value"])
    if known := source.units.get(column):
        return f" in {known}" if unit and unit != known else ""
    if unit:
        told = json.dumps({column: unit}, ensure_ascii=False)
        return f"; where {unit} stands beside each, set `units: {told}` below source"
    return DECIMAL if source.decimal is None and COMMA.search(value) else ""


def _is_missing(value: Any) -> bool:
    return all(map(is_blank, value.values())) if isinstance(value, dict) else is_blank(value)


def with_extra_files(family: Family, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options as `read_target` and `learn_facts` are given them."""
    return family.with_extra_files(options, _read_table) if isinstance(family, ExtraFiles) else options


def _read_table(path: Path, kind: str, columns: Mapping[str, str]) -> Iterator[tuple[str, Row]]:
    source = Source.model_validate({"path": str(path), "format": kind})
    records = read(source, dict(columns))
    return ((record.place, record.values) for record in records if not record.skipped)


@contextmanager
def in_the_files_words(columns: Columns) -> Iterator[None]:
    """A family complains of the role ('text'); whoever mends the file looks for the column ('body')."""
    try:
        yield
    except BadRowError as error:
        message = str(error)
        for role, name in columns.items():
            if isinstance(name, str) and f"'{role}'" in message:
                message = message.replace(f"'{role}'", f"'{name}'")
        raise type(error)(message) from None


class Reader:
    """Reads a task's records: the inputs once, and every head's target beside them."""

    def __init__(self, name: str, task: Task) -> None:
        self.name, self.task = name, task
        self.heads = [Head.of(head, annotation) for head, annotation in task.annotations(name).items()]
        self.families = {head.name: head.family for head in self.heads}
        self.family = self.heads[0].family

    def columns(self) -> Columns:
        """Every column that some head reads, by its role ("slots.tags" of the joint head slots)."""
        return {
            column_of(self.name, head.name, role): column
            for head in self.heads
            for role, column in head.columns.items()
        }

    def schema(self) -> pa.Schema:
        """The columns of the task's files."""
        targets = [
            (column_of(self.name, head.name, field.name), field.type)
            for head in self.heads
            for field in head.family.target_schema()
        ]
        groups = ("groups", pa.list_(pa.string()))
        difficulty = [("difficulty", pa.float64())] if "difficulty" in self.task.columns else []
        inputs = [("id", pa.string()), *self.family.input_schema()]
        return pa.schema([*inputs, *targets, groups, *difficulty, *self._slices()])

    def _slices(self) -> list[pa.Field]:
        """An object of the columns by whose values the test rows are cut into slices, if there are any."""
        columns = self.task.columns.get("slice", [])
        names = [columns] if isinstance(columns, str) else columns
        return [pa.field("slice", pa.struct([(name, pa.string()) for name in names]))] if names else []

    def read(self, record: Record) -> Row:
        """One row of the files, and under `LESSON` what it teaches, as JSON.

        Raises:
            BadRowError: its family cannot read it.
            SkippedRowError: there is nothing in it to ask, or the filter leaves it out.
        """
        if record.skipped:
            raise SkippedRowError(record.skipped)
        if record.unreadable:
            raise BadRowError(record.unreadable)
        try:
            return self._read(record)
        except NotANumberError as error:
            raise NotANumberError(f"{error}{_hint(str(error), self.task.source)}") from None

    def _read(self, record: Record) -> Row:
        with in_the_files_words(self.heads[0].columns):
            row = self.family.read_input(record.values, self.heads[0].options)
            if "difficulty" in record.values:
                row["difficulty"] = read_number(record.values, "difficulty")
            if "slice" in record.values:
                row["slice"] = self._slice(record.values["slice"])
            if is_blank(record.values.get("id", "none")):
                raise BadRowError("'id' is missing, expected an id")
        targets = {head.name: self._read_target(head, record, row) for head in self.heads}
        if not any(targets.values()):
            raise BadRowError(f"no target, expected that of {' or '.join(targets)}")
        row = {**row, **self._answers(targets), "groups": self._groups(record)}
        taught = lesson(self.name, self.families, row)
        return {**row, LESSON: json.dumps(taught), "id": self._identity(record, row, taught)}

    def _slice(self, given: Any) -> dict[str, str | None]:
        """The values of the slice columns, by column."""
        columns = self.task.columns["slice"]
        values = {columns: given} if isinstance(columns, str) else given
        return {name: plain(value) or None for name, value in values.items()}

    def records(self, seed: int | None = None, notes: list[str] | None = None) -> Iterator[Record]:
        """The records of the task's source, those at fault among them (`formats.read_all`)."""
        own = self.heads[0]

        def spelled(role: str, value: Any) -> Any:
            with in_the_files_words(own.columns):
                return own.family.raw_labels(role, value, own.options)

        return read_all(self.task.source, self.columns(), seed, spelled, notes)

    def view(self, row: Row, head: Head) -> Row | None:
        """The row as the head reads it, or None where it lacks the target."""
        return head_row(self.name, head.name, head.family, row)

    def _read_target(self, head: Head, record: Record, row: Row) -> Row | None:
        columns = {role: column_of(self.name, head.name, role) for role in head.columns}
        values = {role: record.values[name] for role, name in columns.items() if name in record.values}
        if self.task.joint and head.lacks(values):
            return None
        with in_the_files_words(head.columns):
            named = head.as_declared(head.label_map.rename(values))
            return head.family.read_target(named, row, head.read_options)

    def _answers(self, targets: Mapping[str, Row | None]) -> Row:
        answers = {}
        for head, family in self.families.items():
            target = targets[head] or {}
            for name, column in target_columns(self.name, head, family).items():
                answers[column] = target.get(name)
        return answers

    def _groups(self, record: Record) -> list[str]:
        """Rows that lack a group share none."""
        values = [record.values.get(role) for role in self.task.splits.groups]
        return [text_key(plain(value)) for value in values if not is_blank(value)]

    def _identity(self, record: Record, row: Row, taught: Any) -> str:
        if "id" in record.values:
            return plain(record.values["id"])
        return digest(json.dumps([record.split, self.family.text_of(row), taught])).hex()


@cache
def target_columns(task: str, head: str, family: Family) -> dict[str, str]:
    """What the columns of a head's target are called in its task's files."""
    return {name: column_of(task, head, name) for name in family.target_schema().names}


def head_row(task: str, head: str, family: Family, row: Row) -> Row | None:
    """A row of the task's files as the head reads it, or None where it lacks the head's target
    (`rows.view`, of one row)."""
    target = {name: row[column] for name, column in target_columns(task, head, family).items()}
    if next(iter(target.values())) is None:
        return None
    return {**row, **target}


def lesson(task: str, heads: Mapping[str, Family], row: Row) -> Any:
    """What a row of the task's files teaches (JSON): its target, or those of all its heads."""
    views = {head: head_row(task, head, family, row) for head, family in heads.items()}
    taught = [None if view is None else heads[head].target_of(view) for head, view in views.items()]
    return taught if len(taught) > 1 else taught[0]


def digest(text: str) -> bytes:
    """64 bits of a text's hash."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
