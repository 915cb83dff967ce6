"""Where a run writes: what lies there belongs to the pipeline, which removes it before it writes anew.

So no source and no encoder may lie there, nor around it. DVC would say so in its own words, or not at all
and remove the user's file.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import UserError
from components.settings.compression import COMPRESSED
from components.settings.start import STARTS

if TYPE_CHECKING:
    from components.settings.project import Project

FOLDERS = (  # the outputs of dvc.yaml that are folders, but for downloads/, which a source may well be in
    *(
        "program",
        "declared",
        "predictions",
        "models/encoder",
        "models/multitask",
        COMPRESSED.as_posix(),
        STARTS.as_posix(),
        "bento",
    ),
    *("reports/dvclive", "reports/sharing/budgets"),
)
OF_A_TASK = ("data", "encoded", "baselines")  # of each task a folder in it


def check(path: Path, project: Project) -> None:
    """Check that no source and no encoder lies where a run writes.

    Raises:
        UserError: one sentence, as `checks.check`.
    """
    for name, task in project.tasks.items():
        refuse(f"{path}: tasks.{name}.source.path", task.source.path, project.tasks)
    if isinstance(project.model.encoder, str):
        refuse(f"{path}: model.encoder", project.model.encoder, project.tasks)


def refuse(where: str, value: str, tasks: Collection[str]) -> None:
    """Check a path of the settings, or one that is to be written into them, of a project with these tasks.

    Raises:
        UserError: it is an output folder, or lies in one or around one.
    """
    if (output := meets(value, tasks)) is None:
        return
    folder, _, task = output.partition("/")
    other = f", or name the task '{task}' otherwise" if folder in OF_A_TASK else ""
    raise UserError(
        f"{where}: '{value}' meets {output}/, where a run writes and removes what lay there before; expected "
        f"a place of its own, such as sources/{Path(value).name}: move it there{other}"
    )


def meets(value: str, tasks: Collection[str], others: Collection[str] = ()) -> str | None:
    """The output folder, or other of these, that a path is, lies in or holds; None if there is none."""
    path = os.path.abspath(value).rstrip("/") + "/"  # noqa: PTH100 as DVC compares: links are not followed
    here = str(Path.cwd()).rstrip("/")
    of_tasks = [f"{folder}/{task}" for folder in OF_A_TASK for task in tasks]
    for output in (*FOLDERS, *of_tasks, *others):
        folder = f"{here}/{output}/"
        if path.startswith(folder) or folder.startswith(path):
            return output
    return None
