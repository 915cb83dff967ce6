"""What params.yaml must fulfil beyond the type of each key: families, columns, names and files that fit."""

from __future__ import annotations

from pathlib import Path

from components.errors import UserError
from components.params.checks import files, methods, mixture, monitor, outputs, tasks
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
    if project.monitor:
        monitor.check(f"{path}: monitor", project)
