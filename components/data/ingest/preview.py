"""The first rows of every source that is already here, read as ingest will read them.

So a wrong column or a label outside the set is answered at once, before a server or a stage starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from components.data.ingest.layout import refuse_layout
from components.data.ingest.reader import Reader
from components.data.sources.record import Record
from components.errors import BadRowError, SkippedRowError, UserError
from components.families.base import Row
from components.settings.project import Project, Task

ROWS = 1000  # per task: a fraction of a second


def preview(project: Project) -> None:
    """Read the head of each task's source.

    Raises:
        UserError: a row that its family cannot read, or whose label is not in the declared set.
    """
    for name, task in project.tasks.items():
        if Path(task.source.path).exists():
            _preview(name, task)


def _preview(name: str, task: Task) -> None:
    reader = Reader(name, task)
    refuse_layout(reader)
    _check_labels(reader, list(_sound(reader, islice(reader.records(), ROWS))))


def _sound(reader: Reader, records: Iterator[Record]) -> Iterator[tuple[str, Row]]:
    """The rows that can be read, with their places; those that are left out are counted by ingest."""
    for record in records:
        try:
            yield record.place, reader.read(record)
        except SkippedRowError:
            continue
        except BadRowError as error:
            if reader.task.cleaning.unreadable == "fail":
                raise UserError(f"{record.place}: {error}") from None


def _check_labels(reader: Reader, rows: list[tuple[str, Row]]) -> None:
    """Where the settings declare a closed set, every label is of it."""
    for head in reader.heads:
        if head.labels is None:
            continue
        seen = [(place, row) for place, full in rows if (row := reader.view(full, head)) is not None]
        place = seen[0][0] if seen else ""
        try:
            facts = head.family.learn_facts((row for _, row in seen), head.labels, head.read_options)
            for place, row in seen:  # noqa: B007 the sentence below names it
                head.family.check_row(row, {**facts, "options": head.options})
        except BadRowError as error:
            if reader.task.cleaning.unreadable == "fail":
                raise UserError(f"{place}: {error}") from None
