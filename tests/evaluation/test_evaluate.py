"""The evidence: every baseline and the champion on the same rows, and pages that show it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from components import params
from components.evaluation import page
from components.evaluation.baselines import baselines
from components.evaluation.evaluate import evaluate
from components.evaluation.gate import verdict
from components.files import read_json, write_json
from components.tracking.terminal import Terminal
from components.training.run.fit import run
from tests.pages.reading import loaded


@pytest.fixture
def evaluated(encoded_project: Path) -> dict:
    settings_file = (encoded_project / "params.yaml").read_text()
    (encoded_project / "params.yaml").write_text(settings_file.replace("tokens: 12000", "tokens: 6000"))
    from tests.conftest import encode_project

    encode_project(encoded_project)
    project = params.load()
    run(project, Path(), Terminal())
    for name in project.tasks:
        baselines(Path("data") / name, Path("baselines") / name)
    shutil.copytree("models/multitask", "champion")
    evaluate(project, Path(), Path("champion"), lambda text: None)
    return read_json(Path("reports/evaluation.json"))


def test_every_task_is_measured_against_baselines_and_champion_on_the_same_rows(evaluated: dict) -> None:
    assert set(evaluated["tasks"]) == {"mood", "size", "people", "closeness"}
    for name, task in evaluated["tasks"].items():
        predictions = read_json(Path("predictions") / f"{name}.json")
        assert len(predictions) == task["rows"]["test"]
        for values in task["metrics"].values():
            assert values["interval"][0] <= values["value"] <= values["interval"][1]
            # the champion is the very same model here
            assert values["champion"]["difference"] == 0
            assert values["champion"]["interval"] == [0, 0]
            assert values["champion"]["p"] == 1.0
    accuracy = evaluated["tasks"]["mood"]["metrics"]["accuracy"]
    assert (
        accuracy["over_trivial"][0] <= accuracy["value"] - accuracy["trivial"] <= accuracy["over_trivial"][1]
    )


def test_the_verdict_replays_and_the_page_needs_nothing_else(evaluated: dict) -> None:
    gates = params.load().gates()
    first = verdict(evaluated, gates)
    assert verdict(read_json(Path("reports/evaluation.json")), gates) == first
    write_json(Path("reports/verdict.json"), first)
    page.write(Path())
    html = Path("reports/evaluation.html").read_text()
    assert "<script" not in html
    assert loaded(html) == []
    assert all(name in html for name in evaluated["tasks"])
    for row in read_json(Path("predictions/mood.json"))[:3]:
        assert row["id"] not in html


def test_a_champion_with_other_labels_is_not_compared(evaluated: dict) -> None:
    card = Path("champion/config.json")
    config = read_json(card)
    config["tasks"]["mood"]["facts"]["labels"] = ["up", "down"]
    write_json(card, config)
    evaluate(params.load(), Path(), Path("champion"), lambda text: None)
    tasks = read_json(Path("reports/evaluation.json"))["tasks"]
    assert tasks["mood"]["metrics"]["accuracy"]["champion"] is None
    assert tasks["people"]["metrics"]["entity_f1"]["champion"] is not None
