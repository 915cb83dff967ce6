"""What validation writes down: a file a task, and one of all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from components.data.ingest.records import Cleaned
from components.records import Part, Record

VALIDATION = Path("reports/validation.json")
Severity = Literal["error", "warning"]
Status = Literal["pass", "warning", "error"]
Counts = list[tuple[str, int]]


def task_file(task: str) -> Path:
    """Where the record of a task is."""
    return Path("reports/validation") / f"{task}.json"


class FaultyRow(Part):
    """What a person finds a row by."""

    id: str  # of the row
    split: str  # that it is in
    row: int  # its number in the split's file, from 0
    text: str  # its beginning; empty where the row lacks a value


class CheckResult(Part):
    """What a check has found."""

    title: str  # what must hold
    severity: Severity  # an error stops the run
    status: Status  # pass, or its severity
    found: int  # rows or classes at fault
    detail: str | None  # a clause for people
    examples: list[str]  # ids of the first rows at fault, or columns
    rows: list[FaultyRow]  # those rows; none where columns are at fault


class HeadRows(Part):
    """The rows that have a joint head's target."""

    rows: dict[str, int]  # by split
    distribution: dict[str, Counts]  # by split: each label or bin, and its rows


class Lengths(Part):
    """Characters of the texts."""

    bins: list[tuple[int, int, int]]  # from, to (exclusive), texts; each twice as wide as the one before
    median: float  # in characters
    longest: int  # in characters


class TaskValidation(Record):
    """reports/validation/TASK.json: what the rows of a task are like, and which checks hold."""

    task: str  # its name
    family: str  # of the task's own head
    rows: dict[str, int]  # by split
    ingest: Cleaned  # before that
    contents_checked: bool  # false where the columns are wrong
    checks: list[CheckResult]  # all of them, those that hold included
    distribution: dict[str, Counts]  # of the task's own head, by split: each label or bin, and its rows
    heads: dict[str, HeadRows]  # the joint ones
    lengths: Lengths | None  # null where the contents were not checked


class BetweenTasks(Part):
    """Training rows of one task whose text another task holds out."""

    leaks: dict[str, dict[str, int]]  # rows, by the task that trains and the one that holds out
    exclude: dict[str, list[str]]  # by task: the ids of the rows that are left out of training


class Validation(Record):
    """reports/validation.json: every task's validation, and whether the run may go on."""

    success: bool  # no error
    errors: list[str]  # a sentence each
    warnings: list[str]  # a sentence each
    tasks: dict[str, TaskValidation]  # by name
    between_tasks: BetweenTasks  # what they have in common
