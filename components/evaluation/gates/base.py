"""What a further gate must offer.

A gate is a file of this folder with a class called GATE, known by the file's name. Its fields are its
settings in `evaluation.gates`. It measures and compares; `components/evaluation/gate.py` judges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from components import families
from components.evaluation.answered import AnsweredHead
from components.families.base import Metric, Prediction, Row
from components.settings.section import Section

if TYPE_CHECKING:
    from components.evaluation.common import CommonGround
    from components.evaluation.gates.asking import Models
    from components.evaluation.records import Finding
    from components.settings.project import Gate, Project


@dataclass(frozen=True)
class Case(AnsweredHead):
    """A head that has a gate, answered by the candidate ("model") and the champion."""

    gate: Gate
    root: Path  # the project's folder
    common: CommonGround | None  # what both can answer; none where the champion is not compared
    models: Models | None = None  # to ask about other rows

    def alone(self) -> Case:
        """The same without the champion."""
        return replace(self, common=None)

    @property
    def asked(self) -> list[str]:
        """Who is asked: the candidate, and the champion where it is compared."""
        return ["model"] if self.common is None else ["model", "champion"]

    def ask(self, who: str, rows: Sequence[Row]) -> list[Prediction]:
        """What one of them says of rows as the head reads them."""
        assert self.models is not None  # noqa: S101
        return self.models.ask(who, self.head, self.card, rows)

    @property
    def metric(self) -> Metric:
        """That of the head's own gate."""
        return next(metric for metric in self.metrics if metric.name == self.gate.metric)


def check_floor(project: Project, where: str, head: str, floor: float | None) -> None:
    """Raise ValueError, with a clause that begins with the key `where`, where there is no such head with a
    gate, or no model can hold such a floor of its gate's metric."""
    gates = project.gates()
    if head not in gates:
        raise ValueError(f"{where}: no task with a gate; expected one of {', '.join(gates)}")
    _, annotation = project.heads()[head]
    family = families.get(annotation.family)
    options = family.options.model_validate(annotation.options).model_dump()
    metric = next(one for one in family.metrics_for(options) if one.name == gates[head].metric)
    if floor is not None and (why := metric.out_of_reach(floor)):
        raise ValueError(f"{where}: {why}")


class FurtherGate(Section):
    """One gate; its fields are its settings."""

    def check(self, project: Project) -> None:
        """Raise ValueError, with a clause that begins with the key, where the settings do not fit the
        project."""

    def check_labels(self, project: Project, labels: Mapping[str, Sequence[str]]) -> None:
        """The same where they name a label that no head's rows have; of a head without a set of them there
        are none."""

    def files(self) -> list[Path]:
        """What it reads besides the tasks' own rows, from the project's folder; it need not be there."""
        return []

    def findings(self, case: Case) -> Iterator[Finding]:
        """What is found of a head that a release answers."""
        yield from ()

    def of_model(self, project: Project, models: Models) -> Iterator[Finding]:
        """What is found of the model as a whole."""
        yield from ()
