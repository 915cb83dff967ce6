"""What further gates must fulfil: there are such gates, and their settings fit them and the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.errors import UserError, near_miss
from components.params.checks.options import check_options

if TYPE_CHECKING:
    from components.settings.project import Project


def check(where: str, project: Project) -> None:
    """Check `evaluation.gates`; UserError as `checks.check`."""
    from components.evaluation import gates

    known = gates.names()
    for name, given in project.evaluation.gates.items():
        if name not in known:
            expected = f"expected some of {', '.join(known)}"
            raise UserError(f"{where}.{name}: unknown gate{near_miss(name, known)}; {expected}")
        gate = check_options(f"{where}.{name}", name, gates.find(name), given)
        try:
            gate.check(project)
        except ValueError as error:
            raise UserError(f"{where}.{name}.{error}") from None
