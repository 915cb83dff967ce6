"""Negative transfer: what the comparison of joint training with each task alone has measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.comparison.records import REPORT, Gain, RelativeGain, SharingReport
from components.evaluation import gate
from components.evaluation.case import FLOOR
from components.evaluation.case import Case as Judged
from components.evaluation.gates.base import Case
from components.evaluation.gates.negative_transfer import NegativeTransfer
from components.evaluation.records import Finding
from components.settings.project import Gate
from tests import verdicts
from tests.comparison import locks
from tests.evaluation.gates.case import case_of, row


def case(
    root: Path, gain: float, interval: list[float] | None, metric: str = "accuracy", **changed: str
) -> Case:
    """A head called mood whose gain by sharing was this; `changed` since by what is said of the joint runs."""
    locks.write(root, locks.lock(**changed))
    of_mood = Gain(metric=metric, joint=0.8, alone=0.8 - gain, by_seed=[gain], gain=gain, interval=interval)
    SharingReport(
        seeds=[1], confidence=0.95, tasks={"mood": of_mood},
        delta_m=RelativeGain(gain=None, interval=None, left_out=[]), heads=["mood"], cosine=[[1.0]],
        look_ahead=[[1.0]], groups=[["mood"]], by_number_of_groups=[], gains_sentence="", grouping_sentence="",
        caveat="",
    ).write(root / REPORT)  # fmt: skip
    rows = [row(n, "a") for n in range(20)]
    return Case(**{**case_of(rows, model=rows).__dict__, "root": root})


def found(one: Case, **settings: float) -> list[Finding]:
    return list(NegativeTransfer.model_validate(settings).findings(one))


@pytest.mark.parametrize(
    ("gain", "interval", "outcome"),
    [
        (0.02, [0.01, 0.03], "pass"),
        (-0.02, [-0.03, -0.01], "pass"),  # within the margin of the task, 0.03
        (-0.05, [-0.09, -0.01], "hold"),
        (-0.05, [-0.06, -0.04], "reject"),
        (-0.05, None, "hold"),  # one seed shows nothing with confidence
    ],
)
def test_a_loss_by_sharing_beyond_the_margin_is_held_or_rejected(
    tmp_path: Path, gain: float, interval: list[float] | None, outcome: str
) -> None:
    (one,) = found(case(tmp_path, gain, interval))
    assert (one.value, one.limit, one.outcome, one.interval) == (gain, -0.03, outcome, interval)
    assert ("(no interval) is below" in one.why) == (interval is None)


def test_what_has_no_interval_is_shown_by_nothing(tmp_path: Path) -> None:
    """It counts as none of those among which another has to be shown, and is held."""
    (one,) = found(case(tmp_path, -0.05, None))
    judged = verdicts.of({"mood": verdicts.measured()}, (one,))
    rules = verdicts.rules({"mood": Gate(metric="accuracy", floor=0.5, margin=0.03)})
    assert [key for key, _ in Judged("mood", rules.gates["mood"], rules, judged).limits()] == [
        ("mood", FLOOR)
    ]
    assert gate.verdict(judged, rules).verdict == "HOLD"


def test_without_a_report_or_with_one_of_another_metric_nothing_is_found(tmp_path: Path) -> None:
    assert found(case(tmp_path, -0.5, [-0.6, -0.4], metric="macro_f1")) == []
    (tmp_path / REPORT).unlink()
    one = case(tmp_path, -0.5, [-0.6, -0.4])
    (tmp_path / REPORT).unlink()
    assert found(one) == []


@pytest.mark.parametrize("changed", ["encoded", "training"])
def test_a_loss_of_a_comparison_of_other_rows_or_settings_is_shown_and_not_judged(
    tmp_path: Path, changed: str
) -> None:
    """The rows of a task change, and the report of before them is still there while this model is judged."""
    (one,) = found(case(tmp_path, -0.5, [-0.6, -0.4], **{changed: "another"}))
    assert (one.value, one.limit, one.outcome, one.why) == (-0.5, None, "pass", "")
    assert one.what == "accuracy together less alone (of an earlier state of the project, not judged)"
