"""Labels that the settings name, once the rows are read: nobody knows before which an open set has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from components import families
from components.data.contract.cards import TaskHead, task_card
from components.errors import UserError
from components.params.checks.monitor import check_label

if TYPE_CHECKING:
    from components.settings.project import Project


def check(path: Path, project: Project, root: Path) -> None:
    """Check what the monitor and further gates call a label, in the settings that `path` holds, by what
    ingest has found in the project's folder `root`.

    Raises:
        UserError: one sentence, as `checks.check`.
    """
    from components.evaluation import gates

    cards = [task_card(root / "data" / name) for name in project.tasks]
    labels = {head: _labels(found) for card in cards for head, found in card.heads.items()}
    if project.monitor:
        negative = project.monitor.negative
        check_label(f"{path}: monitor.negative.label", negative, labels[negative.task])
    for name, gate in gates.build(project.evaluation.gates).items():
        try:
            gate.check_labels(project, labels)
        except ValueError as error:
            raise UserError(f"{path}: evaluation.gates.{name}.{error}") from None


def _labels(head: TaskHead) -> list[str]:
    return list(families.get(head.family).label_set(head.facts))
