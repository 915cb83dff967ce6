"""What params.yaml must fulfil beyond the type of each key: families, columns, names and files that fit."""

from __future__ import annotations

from pathlib import Path

from components.errors import UserError, near_miss
from components.params.checks import files, folders, gates, methods, mixture, monitor, outputs, tasks
from components.settings.project import Project


def check(path: Path, project: Project) -> None:
    """Check the settings that `path` holds.

    Raises:
        UserError: one sentence naming the file, the key, what was found and what was expected.
    """
    tasks.check(f"{path}: tasks", project)
    files.check_remotes(path, project)
    mixture.check(f"{path}: mixture", project)
    methods.check(path, project)
    if project.sharing.seeds and len(project.heads()) == 1:
        raise UserError(f"{path}: sharing.seeds: there is one task; expected two or more, to share anything")
    outputs.check(path, project)
    files.check(path, project)
    _renamed(f"{path}: evaluation.renamed", project)
    gates.check(f"{path}: evaluation.gates", project)
    _stated(f"{path}: packaging.card.data", project)
    folders.check(path, project)
    if project.monitor:
        monitor.check(f"{path}: monitor", project)


def _renamed(where: str, project: Project) -> None:
    """Newer names are tasks, or were renamed on, and older ones are no tasks."""
    heads, renamed = project.heads(), project.evaluation.renamed
    for today, own in renamed.items():
        if today not in heads and today not in renamed.values():
            near, known = near_miss(today, heads), ", ".join(heads)
            raise UserError(f"{where}.{today}: no task has this name{near}; expected one of {known}")
        if own in heads or list(renamed.values()).count(own) > 1:
            raise UserError(
                f"{where}.{today}: '{own}' is another task's name; expected the one that releases know "
                f"this task by"
            )


def _stated(where: str, project: Project) -> None:
    """The model card speaks of the data of tasks that there are."""
    for name in project.packaging.card.data:
        if name not in project.tasks:
            near, known = near_miss(name, project.tasks), ", ".join(project.tasks)
            raise UserError(f"{where}.{name}: no task has this name{near}; expected one of {known}")
