"""agreement: does another model, such as an optimised one, answer as the candidate does?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field

from components.evaluation.gates.base import Case, FurtherGate
from components.evaluation.gates.measure import finding, measured, same_answers
from components.evaluation.records import Finding
from components.settings.project import Project


class Agreement(FurtherGate):
    """The share of the test rows to which a model of another folder gives the same answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    with_: Annotated[str, Field(alias="with")]  # the folder of the other model
    least: Annotated[float, Field(gt=0, le=1)] = 0.99  # the share that must be the same
    tolerance: Annotated[float, Field(ge=0)] = 0.01  # by which answers that are numbers may differ

    def check(self, project: Project) -> None:
        if not Path(self.with_).is_dir():
            raise ValueError(f"with: no such folder '{self.with_}'")
        if not (Path(self.with_) / "config.json").is_file():
            raise ValueError(f"with: no model in '{self.with_}' (config.json is missing)")

    def files(self) -> list[Path]:
        return [Path(self.with_)]

    def findings(self, case: Case) -> Iterator[Finding]:
        assert case.models is not None  # noqa: S101
        others = case.models.of(case.root / self.with_).predict(
            case.root / "data" / case.card["task"], {case.head: case.card}, [case.head]
        )[case.head]
        same_N: np.ndarray = same_answers(case.family, case.said["model"], others, self.tolerance)
        found = measured(case.alone(), lambda asked: asked.share(same_N))
        yield finding(case.alone(), "agreement", f"answers that {self.with_} gives too", found, self.least)


GATE = Agreement
