"""The evidence: every baseline and the champion on the same rows, and pages that show it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components import params
from components.data.mixture.records import PLAN, PlanRecord
from components.errors import UserError
from components.evaluation import page, row_scores
from components.evaluation.gate import rules_of, verdict
from components.evaluation.records import EVALUATION, VERDICT, Evaluation, Verdict
from components.files import read_json, write_json
from flows import rows as rows_command
from tests.pages.reading import loaded

pytestmark = pytest.mark.slow  # models are trained


def test_every_task_is_measured_against_baselines_and_champion_on_the_same_rows(evaluated: dict) -> None:
    assert set(evaluated["tasks"]) == {"mood", "size", "people", "closeness"}
    for name, task in evaluated["tasks"].items():
        predictions = read_json(Path("predictions") / f"{name}.json")
        assert len(predictions) == task["rows"]["test"]
        for values in task["metrics"].values():
            assert values["interval"][0] <= values["value"] <= values["interval"][1]
            # the champion is the very same model here
            assert values["champion"]["difference"] == 0
            low, high = values["champion"]["interval"]  # so few rows tell no more
            assert -low == pytest.approx(high)
            assert values["champion"]["p"] == 1.0
    accuracy = evaluated["tasks"]["mood"]["metrics"]["accuracy"]
    assert (
        accuracy["over_trivial"][0] <= accuracy["value"] - accuracy["trivial"] <= accuracy["over_trivial"][1]
    )


def test_a_metric_that_tells_nothing_of_so_few_labels_is_left_out(evaluated: dict) -> None:
    measured = evaluated["tasks"]["mood"]["metrics"]
    assert {"mcc", "cohen_kappa", "auc", "average_precision"} < set(measured)
    assert not {"top_3_accuracy", "top_5_accuracy"} & set(measured)


def test_the_values_alone_are_in_a_file_for_dvc_metrics(evaluated: dict) -> None:
    expected = {
        name: {metric: measured["value"] for metric, measured in task["metrics"].items()}
        for name, task in evaluated["tasks"].items()
    }
    assert read_json(Path("reports/metrics.json")) == expected


@pytest.mark.parametrize("head", ["mood", "size", "people", "closeness"])
def test_every_test_row_can_be_looked_up_with_the_models_answer(evaluated: dict, head: str) -> None:
    rows = row_scores.read(params.load(), Path(), head)
    said = read_json(Path("predictions") / f"{head}.json")
    assert [{"id": row.id, **row.said} for row in rows] == said
    wrong = row_scores.worst_first(rows)
    assert not any(row.right for row in wrong)
    values = [row.value for row in wrong]
    assert values == sorted(values)
    assert rows_command.run(Path(), head, None, True, 3) == 0
    assert rows_command.run(Path(), head, rows[-1].id, False, 3) == 0


def test_a_task_or_a_row_that_is_not_there_gets_the_nearest_one(evaluated: dict) -> None:
    with pytest.raises(UserError, match=r"no task 'moood' \(did you mean 'mood'\?\)"):
        row_scores.read(params.load(), Path(), "moood")
    with pytest.raises(UserError, match="mood: no test row 'x'"):
        rows_command.run(Path(), "mood", "x", False, 3)
    write_json(Path("predictions/mood.json"), [])
    with pytest.raises(UserError, match="of other rows than data/mood; run `onetrunk run`"):
        row_scores.read(params.load(), Path(), "mood")


def test_the_verdict_replays_and_the_page_needs_nothing_else(evaluated: dict) -> None:
    rules = rules_of(params.load())
    first = verdict(Evaluation.model_validate(evaluated), rules)
    assert verdict(Evaluation.read(EVALUATION), rules) == first
    first.write(VERDICT)
    assert Verdict.read(VERDICT) == first
    page.write(Path())
    html = Path("reports/evaluation.html").read_text()
    assert "<script" not in html
    assert loaded(html) == []
    assert all(name in html for name in evaluated["tasks"])
    for row in read_json(Path("predictions/mood.json"))[:3]:
        assert row["id"] not in html


def test_the_evidence_says_what_training_saw_of_a_tasks_rows(evaluated: dict) -> None:
    """How often, and how many of them to the end: what to try depends on it."""
    plan = PlanRecord.read(PLAN)
    for head in evaluated["tasks"].values():
        planned = plan.tasks[head["task"]]
        assert (head["epochs"], head["cut"]) == (planned.epochs, planned.cut)


def test_who_insists_on_beating_the_linear_baseline_says_so_in_params(evaluated: dict) -> None:
    project, settings = params.load(), Path("params.yaml")
    name = next(name for name, task in project.tasks.items() if task.gate)
    assert not rules_of(project).gates[name].beat_linear
    raw = yaml.safe_load(settings.read_text())
    raw["tasks"][name]["gate"]["beat_linear"] = True
    settings.write_text(yaml.safe_dump(raw))
    assert rules_of(params.load()).gates[name].beat_linear
