"""What the mixture must fulfil: it names tasks that there are, and every one where it must."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from components.errors import UserError, near_miss

if TYPE_CHECKING:
    from components.settings.project import Project


def check(where: str, project: Project) -> None:
    """Check `mixture`; UserError as `consistency.check`."""
    mixture = project.mixture
    for name in ("auxiliary", "easy_first"):
        _known(f"{where}.{name}", getattr(mixture, name), project.tasks)
    if set(mixture.auxiliary) == set(project.tasks):
        raise UserError(f"{where}.auxiliary: every task is auxiliary; expected one or more that are not")
    for place, rule in mixture.constant().items():
        _every(f"{where}.{place}ratio", "share", rule.ratio, project)
    _every(f"{where}.blocks", "number of steps", mixture.blocks, project)
    for name, easy in mixture.easy_first.items():
        if easy.by == "difficulty" and "difficulty" not in project.tasks[name].columns:
            raise UserError(
                f"{where}.easy_first.{name}.by: found difficulty, but tasks.{name}.columns names no "
                f"such column; expected it there, or by: length"
            )


def _known(where: str, given: Iterable[str], known: Collection[str], expected: str = "") -> None:
    for name in given:
        if name not in known:
            expected = expected or f"expected some of {', '.join(known)}"
            raise UserError(f"{where}.{name}: not a task{near_miss(name, known)}; {expected}")


def _every(where: str, what: str, given: Collection[str], project: Project) -> None:
    """Where any task is named, every one that is not auxiliary is, and no other."""
    expected = f"expected one {what} per task"
    _known(where, given, project.tasks, expected)
    for name in project.tasks:
        auxiliary = name in project.mixture.auxiliary
        if auxiliary and name in given:
            raise UserError(f"{where}.{name}: mixture.auxiliary has its share; {expected} that is not there")
        if given and not auxiliary and name not in given:
            raise UserError(f"{where}.{name}: missing; {expected}")
