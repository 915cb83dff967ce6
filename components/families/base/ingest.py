"""What ingest asks of a family: rows of the data contract, and the facts that training rows teach."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import pyarrow as pa

from components.families.base.records import Facts, Options, Row
from components.families.shared.fields import read_text, read_turns


class IngestPart(abc.ABC):
    """A row has inputs, what is asked, and targets, what is answered. Several tasks may read the same inputs
    (joint annotations): then the rows hold the inputs once and each task's targets beside them."""

    inputs: ClassVar[tuple[tuple[str, ...], ...]] = (("text",), ("text", "text_pair"), ("turns",))
    """The sets of input columns of which a task declares one."""
    optional_inputs: ClassVar[tuple[str, ...]] = ()
    """Input columns that a task may declare besides, which the encoder never sees (`ExtraInputs`). Each is an
    object, or a list of columns that make one."""
    targets: ClassVar[Mapping[str, bool]]
    """Target column -> is it required?"""
    object_roles: ClassVar[tuple[str, ...]] = ()
    """Targets that a list of columns may make, an object of their values."""
    role_kinds: ClassVar[Mapping[str, str]] = {}
    """Role -> the kind of column that `onetrunk new-task` looks for, where that is not the role's name: an
    entry of components/data/propose/roles."""
    options: ClassVar[type[Options]] = Options
    text_columns: ClassVar[tuple[str, ...]] = ("text", "text_pair")
    """The columns that make the text by which duplicates and leaks are found; () where `text_of` makes it in
    a way of the family's own."""

    def input_roles(self) -> tuple[str, ...]:
        """Every input column that some task of the family may declare."""
        roles = [role for roles in self.inputs for role in roles]
        return tuple(dict.fromkeys([*roles, *self.optional_inputs]))

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        """Turn a source's record, or a question to the service (role -> raw value), into `input_schema`.

        Raises:
            BadRowError: one clause saying what was found and what was expected.
            SkippedRowError: the row is right, but there is nothing in it to ask; says why.
        """
        text = read_turns(record["turns"]) if "turns" in record else read_text(record, "text")
        pair = read_text(record, "text_pair") if "text_pair" in record else None
        return {"text": text, "text_pair": pair}

    def input_schema(self) -> pa.Schema:
        """The Parquet columns of the inputs."""
        return pa.schema([("text", pa.string()), ("text_pair", pa.string())])

    def text_of(self, row: Row) -> str:
        """The text by which duplicates and leaks are found (a pair counts as one text)."""
        return "\n".join(row.get(name) or "" for name in self.text_columns)

    @abc.abstractmethod
    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        """Turn a source's record into `target_schema`; `row` holds the inputs already read.

        Raises:
            BadRowError: one clause saying what was found and what was expected.
        """

    def raw_labels(self, role: str, value: Any, options: Mapping[str, Any]) -> Any:
        """A raw value of a source whose labels can be renamed (`source.label_map`): those that a text holds,
        each by itself, in a list.

        Raises:
            BadRowError: as `read_target`.
        """
        return value

    def class_column(self, options: Mapping[str, Any]) -> str:
        """The column of the classes, a label a row or a list of them, none of which the model can answer
        unless a training row has it; empty: there are no such classes."""
        return ""

    def class_of(self, label: str) -> str:
        """The class that a value of this column stands for."""
        return label

    @abc.abstractmethod
    def target_schema(self) -> pa.Schema:
        """The Parquet columns of the targets. None in the first of them: this row has no target."""

    @abc.abstractmethod
    def target_of(self, row: Row) -> Any:
        """What the row teaches, hashable: two rows of one text that differ in it conflict."""

    @abc.abstractmethod
    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        """Learn, in one pass over the training rows that have a target, what encoding and decoding need
        (label set, mean, scale). `labels` is the closed set that the settings declare.

        Raises:
            BadRowError: the rows teach nothing, or `labels` does not belong here.
        """

    def check_row(self, row: Row, facts: Facts) -> None:  # noqa: B027 any row fits, unless a family objects
        """Raise BadRowError where a row of any split does not fit the facts (a label never seen)."""
