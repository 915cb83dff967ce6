"""The first rows of every source that is already here, read as ingest will read them.

So a wrong column or a label outside the set is answered at once, before a server or a stage starts.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from components import tasks
from components.data.sources import read
from components.errors import UserError
from components.settings import Project, Task
from components.tasks.base import BadRowError

ROWS = 1000  # per task: a fraction of a second


def preview(project: Project) -> None:
    """Read the head of each task's source.

    Raises:
        UserError: a row that its family cannot read, or whose label is not in `source.labels`.
    """
    for task in project.tasks.values():
        if Path(task.source.path).exists():
            _preview(task)


def _preview(task: Task) -> None:
    family = tasks.get(task.family)
    place, rows = "", []
    try:
        for record in islice(read(task.source, task.columns), ROWS):
            place = record.place
            rows.append((place, family.read(record.values)))
        if task.source.labels is not None:
            facts = family.learn_facts([row for _, row in rows], task.source.labels)
            for place, row in rows:  # noqa: B007 the sentence below names it
                family.check_row(row, facts)
    except BadRowError as error:
        raise UserError(f"{place}: {error}") from None
