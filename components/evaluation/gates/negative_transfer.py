"""negative_transfer: is a task worse for being trained with the others? As `sharing` has measured it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from components.comparison import inputs
from components.comparison.records import REPORT, Gain, SharingReport
from components.evaluation.gates.base import Case, FurtherGate
from components.evaluation.gates.measure import kept
from components.evaluation.records import Finding
from components.settings.section import Unit

OLD = "of an earlier state of the project, not judged"


class NegativeTransfer(FurtherGate):
    """The metric of joint training less that of the task alone, the mean over the seeds of
    reports/sharing.json. Without that report it finds nothing: no release waits for a comparison. One that
    has trained on other rows, or by other settings, than this model is shown, and not judged."""

    # the most that a task may lose by joint training; left out: the margin of the task
    loss: Annotated[float | None, Field(gt=0), Unit("of the metric")] = None

    def files(self) -> list[Path]:
        return [REPORT]

    def findings(self, case: Case) -> Iterator[Finding]:
        report = case.root / REPORT
        if not report.is_file():
            return
        gain = SharingReport.read(report).tasks.get(case.head)
        if gain is None or gain.metric != case.gate.metric:
            return
        what = f"{gain.metric} together less alone"
        if inputs.are_the_models(case.root):
            yield _judged(case, what, gain, -(self.loss or case.gate.margin))
        else:
            yield _judged(case, f"{what} ({OLD})", gain, None)


def _judged(case: Case, what: str, gain: Gain, limit: float | None) -> Finding:
    outcome, why = kept(what, gain.gain, gain.interval, limit)
    return Finding(
        gate="negative_transfer",
        what=what,
        rows=len(case.rows),
        value=gain.gain,
        interval=gain.interval,
        limit=limit,
        outcome=outcome,
        why=why,
    )


GATE = NegativeTransfer
