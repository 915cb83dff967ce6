"""Further gates are found by their names, checked before a run, and asked of every head that is released."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from components import params
from components.errors import UserError
from components.evaluation import gates
from components.evaluation.gate import rules_of, verdict
from components.evaluation.gates.measure import finding, kept, measured
from components.evaluation.gates.slices import Slices
from tests.evaluation.gates.case import case_of, row
from tests.evaluation.gates.conftest import Judge

TOY = '''
"""toy: how many rows the test set has."""
from components.evaluation.gates.base import FurtherGate
from components.evaluation.records import Finding

class Toy(FurtherGate):
    wanted: int = 3  # rows

    def findings(self, case):
        n = len(case.rows)
        yield Finding(gate="toy", what="rows", rows=n, value=n, interval=[n, n], limit=self.wanted)

GATE = Toy
'''


def test_a_file_in_the_folder_is_a_gate(
    judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gates"
    folder.mkdir()
    (folder / "toy.py").write_text(TOY)
    monkeypatch.setattr(gates, "__path__", [*gates.__path__, str(folder)])
    found = judge({"toy": {"wanted": 5}}, champion=False)
    for head in ("mood", "size", "people", "closeness"):
        (one,) = found.tasks[head].findings
        assert (one.gate, one.limit, one.value) == ("toy", 5, found.tasks[head].rows["test"])


def complaint(project: Path, given: dict[str, Any]) -> str:
    settings = yaml.safe_load((project / "params.yaml").read_text())
    settings["evaluation"]["gates"] = given
    (project / "params.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(UserError) as error:
        params.load()
    return str(error.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"slice": {}}, "evaluation.gates.slice: unknown gate (did you mean 'slices'?); expected some of"),
        (
            {"slices": {"lenght": [3]}},
            "evaluation.gates.slices.lenght: unknown option (did you mean 'length'",
        ),
        ({"slices": {"floor": {"moood": 0.5}}}, "evaluation.gates.slices.floor.moood: no task with a gate"),
        ({"slices": {"rules": {"x": {"txt": "a"}}}}, "slices.rules.x.txt: no task's rows have such a field"),
        ({"slices": {"rules": {"x": {"text": {"matches": "("}}}}}, "not a regular expression"),
        ({"slices": {"min_rows": 0}}, "evaluation.gates.slices.min_rows: found 0"),
        ({"calibration": {"limit": 2}}, "evaluation.gates.calibration.limit: found 2"),
    ],
)
def test_a_mistake_in_a_gates_settings_is_one_sentence(
    tiny_project: Path, given: dict[str, Any], expected: str
) -> None:
    assert expected in complaint(tiny_project, given)


def test_a_limit_is_kept_missed_or_missed_with_confidence() -> None:
    assert kept("x", 0.5, [0.4, 0.6], 0.5) == ("pass", "")
    assert kept("x", 0.49, [0.4, 0.6], 0.5)[0] == "hold"
    assert kept("x", 0.4, [0.3, 0.49], 0.5) == (
        "reject",
        "x: 0.400 [0.300, 0.490] is below the limit 0.500",
    )
    assert kept("x", float("nan"), [0.4, 0.6], 0.5)[0] == "hold"
    assert kept("x", float("nan"), [0.4, 0.6], None)[0] == "pass"


def test_a_comparison_is_paired_and_on_the_rows_that_both_can_answer() -> None:
    """The champion is wrong in every third row, the candidate in none; the last six rows it cannot answer."""
    rows = [row(n, "a" if n % 2 else "b") for n in range(60)]
    wrong = [n % 3 == 0 for n in range(60)]
    said = [
        {"label": one["label"] if right else "b" if one["label"] == "a" else "a"}
        for one, right in zip(rows, np.logical_not(wrong), strict=True)
    ]
    case = case_of(rows, model=rows, champion=said, both=np.arange(60) < 54)
    found = measured(case, lambda asked: asked.by(case.metric))
    assert (found.rows, found.compared) == (60, 54)
    one = finding(case, "slices", "all", found, margin=0.1)
    assert one.champion and one.champion.rows == 54
    assert one.champion.difference == pytest.approx(18 / 54)
    low, high = one.champion.interval
    assert low > 0.15 and high < 0.55
    alone = measured(case.alone(), lambda asked: asked.by(case.metric))
    assert finding(case, "slices", "all", alone, margin=0.1).margin is None


def test_a_loss_on_one_slice_rejects_a_model_that_is_as_good_on_the_whole(judge: Judge) -> None:
    """The findings are of synthetic answers: every second answer in French is lost, and many a German one won."""
    rows = [row(n, "a", country="fr" if n % 5 == 0 else "de") for n in range(1000)]
    model = [{"label": "b" if n % 10 == 0 else "a"} for n in range(1000)]
    champion = [{"label": "b" if n % 10 == 1 else "a"} for n in range(1000)]
    found = judge({})
    for planted, expected in ((model, "reject"), (champion, "pass")):
        slices = list(Slices(length=None).findings(case_of(rows, planted, champion)))
        mood = found.tasks["mood"].model_copy(update={"findings": slices})
        rules = rules_of(params.load())
        gates = {"mood": rules.gates["mood"].model_copy(update={"floor": -1.0})}
        judged = verdict(
            found.model_copy(update={"tasks": {"mood": mood}}), rules.model_copy(update={"gates": gates})
        ).tasks["mood"]
        outcomes = "slices, country = fr lost significantly against the champion" in judged.why
        assert outcomes == (expected == "reject"), judged.why
        assert (judged.gate == "reject") == (expected == "reject")
