from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import UserError
from components.stages import data_gate, plan, validate
from tests.data.folders import Rows, sound_rows, write_folder

ROOT = Path(__file__).parents[2]
TASK = """\
  {name}:
    family: {family}
    source: {{path: source, format: jsonl}}
    columns: {columns}
    splits: {{}}
    cleaning: {{}}
    max_length: 32
    gate: {{metric: {metric}, floor: 0.0}}
    example: {{text: "a"}}
"""
PARAMS = """\
seed: 7
packages: {{}}
tasks:
{tasks}
checks: {{min_rows: 20}}
mixture: {{method: uniform}}
model: {{encoder: encoder}}
training:
  tokens: 1000
  tokens_per_step: 100
  tokens_per_micro_batch: 100
  learning_rate: 1.0e-3
  head_learning_rate: 1.0e-3
  evaluate_every: 10
  validation_rows: 10
  patience: 1
  checkpoint_every: 10
evaluation: {{}}
packaging: {{name: toy}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with the tasks mood and stars, as ingest leaves it."""
    mood = TASK.format(name="mood", family="classification", columns="{text: a, label: b}", metric="accuracy")
    stars = TASK.format(name="stars", family="regression", columns="{text: a, score: b}", metric="pearson")
    (tmp_path / "params.yaml").write_text(PARAMS.format(tasks=mood + stars))
    (tmp_path / "source").touch()
    (tmp_path / "encoder").mkdir()
    write_folder(tmp_path, "regression", sound_rows("regression", "stars"), "stars")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_stages(root: Path, rows: Rows) -> None:
    write_folder(root, "classification", rows, "mood")
    validate.main("mood")
    validate.main("stars")
    data_gate.main()


@pytest.mark.slow
def test_sound_data_passes_and_the_second_run_leaves_the_same_bytes(project: Path):
    run_stages(project, sound_rows("classification", "mood"))
    names = ["validation/mood.json", "validation/stars.json", "validation.json", "validation.html"]
    reports = [project / "reports" / name for name in names]
    first = [path.read_bytes() for path in reports]
    validate.main("mood")
    data_gate.main()
    assert [path.read_bytes() for path in reports] == first
    assert json.loads(first[2])["success"] is True


def test_leaking_rows_reach_the_mixture_plan(project: Path):
    rows = sound_rows("classification", "mood")
    rows["train"][2]["text"] = "stars test text number 5"
    run_stages(project, rows)
    result = json.loads((project / "reports/validation.json").read_text())
    assert result["success"] is True
    assert result["between_tasks"] == {
        "leaks": {"mood": {"stars": 1}},
        "exclude": {"mood": ["mood-train-2"]},
    }


def test_reports_of_tasks_that_params_does_not_name_are_not_read(project: Path):
    (project / "reports/validation").mkdir(parents=True)
    (project / "reports/validation/old.json").write_text("not JSON")
    run_stages(project, sound_rows("classification", "mood"))
    assert list(json.loads((project / "reports/validation.json").read_text())["tasks"]) == ["mood", "stars"]


def test_a_task_that_was_not_measured_is_a_sentence(project: Path):
    with pytest.raises(UserError, match=r"reports/validation/mood\.json: no such file"):
        data_gate.main()


def test_a_gate_whose_metric_tells_nothing_of_so_few_labels_is_refused_before_training(project: Path) -> None:
    settings = Path("params.yaml").read_text()
    Path("params.yaml").write_text(settings.replace("metric: accuracy", "metric: top_5_accuracy"))
    with pytest.raises(UserError, match="gate of mood: top_5_accuracy tells nothing of 2 labels; expected 6"):
        run_stages(project, sound_rows("classification", "mood"))


def test_a_label_of_a_rule_that_no_row_has_is_refused_before_training(project: Path) -> None:
    rules = "evaluation: {gates: {slices: {rules: {worst: {label: dwn}}}}}"
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("evaluation: {}", rules))
    with pytest.raises(UserError, match="gates.slices.rules.worst.label: no task has the label 'dwn'"):
        run_stages(project, sound_rows("classification", "mood"))


@pytest.mark.slow
def test_a_report_of_another_version_is_refused_by_the_gate_and_by_the_plan(project: Path):
    run_stages(project, sound_rows("classification", "mood"))
    for name, stage in (("validation", plan.main), ("validation/mood", data_gate.main)):
        file = project / f"reports/{name}.json"
        file.write_text(file.read_text().replace('"schema_version": 1', '"schema_version": 2', 1))
        with pytest.raises(UserError, match=rf"{name}\.json: schema_version: found 2, expected 1"):
            stage()


@pytest.mark.slow
def test_errors_stop_the_run_with_exit_code_2_after_the_page_is_written(project: Path):
    write_folder(project, "classification", {**sound_rows("classification"), "test": []}, "mood")
    validate.main("mood")  # measuring does not fail
    validate.main("stars")
    command = [sys.executable, "-m", "components.stages.data_gate"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: reports/validation.json: mood: 'at least 20 rows in test' does not hold: found 0"
        " (see reports/validation.html)"
    ]
    assert json.loads((project / "reports/validation.json").read_text())["success"] is False
    assert "stopped" in (project / "reports/validation.html").read_text()
