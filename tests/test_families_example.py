"""examples/families: a task of each family of labelled rows, trained for real on one encoder, served, asked.

The gate passes a task only where the interval of its metric excludes the trivial baseline, so PROMOTE
says that of all of them. Which targets are annotated and which derived: examples/families/prepare.py.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from components import families
from components.files import read_json
from components.release.query import running
from flows.running.dvc_stage import environment
from tests.scripts import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.minutes(2), pytest.mark.timeout(1800)]
PARAMS = yaml.safe_load((ROOT / "examples/families/params.yaml").read_text())
BUDGET = "tokens: 160000"  # seven tenths of it are enough to be better than the trivial baselines
FEWER = {"continuation": 400, "strength": 1400}  # rows, of tasks that are far better than theirs
ELSEWHERE = {  # trained, measured and asked there
    "retrieval": "tests/families/retrieval/test_family.py",
    "knowledge_graph": "tests/families/knowledge_graph/test_family.py",
    "generation": "tests/families/generation/test_family.py",
    "masked_lm": "tests/model/test_auxiliary.py",
    "sentence_order": "tests/families/segment_pairs/test_base.py",
    "context_prediction": "tests/families/segment_pairs/test_base.py",
}
STAGES = """
import importlib, pathlib, shlex
from tests import verdicts
from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro

with Repo() as repo:
    stages = plan_repro(get_active_graph(repo.index.graph))
    commands = [line for stage in stages for line in ([stage.cmd] if isinstance(stage.cmd, str) else stage.cmd)]
for _, _, module, *arguments in map(shlex.split, commands):  # python -m module arguments
    if module != "components.stages.release":  # it releases what DVC has
        importlib.import_module(module).main(*arguments)
    if module == "components.stages.gate":
        verdicts.record(pathlib.Path())
"""  # in DVC's order, in one process: starting one for each takes longer than what they do
HEADS = {head for name, task in PARAMS["tasks"].items() for head in (name, *task.get("joint", {}))}


def environment_of(folder: Path) -> dict[str, str]:
    return {**environment(folder), "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("families") / "project"
    subprocess.run([sys.executable, ROOT / "examples/start.py", "families", folder], check=True)
    settings = (folder / "params.yaml").read_text()
    assert BUDGET in settings
    (folder / "params.yaml").write_text(settings.replace(BUDGET, "tokens: 112000"))
    for task, rows in FEWER.items():
        source = folder / f"sources/{task}.jsonl"
        source.write_text("".join(source.read_text().splitlines(keepends=True)[:rows]))
    subprocess.run([sys.executable, "-c", STAGES], cwd=folder, env=environment_of(folder), check=True)
    assert read_json(folder / "reports/verdict.json")["verdict"] == "PROMOTE"
    return folder


def test_every_family_is_in_the_example_or_has_an_end_to_end_test_of_its_own() -> None:
    declared = {task["family"] for task in PARAMS["tasks"].values()}
    assert declared.isdisjoint(ELSEWHERE)
    assert declared | set(ELSEWHERE) == set(families.names())
    assert all((ROOT / file).is_file() for file in ELSEWHERE.values())
    assert any(task.get("joint") for task in PARAMS["tasks"].values())


def test_every_task_beats_its_trivial_baseline_with_an_interval(project: Path) -> None:
    measured = read_json(project / "reports/evaluation.json")["tasks"]
    verdict = read_json(project / "reports/verdict.json")["tasks"]
    assert set(measured) == HEADS
    for head, judged in verdict.items():
        assert judged["gate"] == "pass", judged
        assert measured[head]["metrics"][judged["metric"]]["over_trivial"][0] > 0


def test_a_joint_head_is_measured_on_the_rows_that_have_its_target(project: Path) -> None:
    measured = read_json(project / "reports/evaluation.json")["tasks"]
    every, some = measured["grammar"]["rows"]["test"], measured["part_of_speech"]["rows"]["test"]
    assert 0 < some < every


def test_the_bento_answers_every_task(project: Path) -> None:
    questions: dict[str, Any] = {name: task["example"] for name, task in PARAMS["tasks"].items()}
    with running(project / "bento") as url:
        for name, question in questions.items():
            heads = [name, *PARAMS["tasks"][name].get("joint", {})]
            asked = {"texts": [question], "tasks": heads}
            reply = httpx.post(f"{url}/predict", json=asked, timeout=60, trust_env=False)
            assert reply.status_code == 200, reply.text
            (answers,) = reply.json()["answers"]
            assert set(answers) == set(heads)
            family = families.get(PARAMS["tasks"][name]["family"])
            family.response.model_validate(answers[name])
        everything = httpx.post(
            f"{url}/predict", json={"texts": list(questions.values())}, timeout=60, trust_env=False
        )
    (topic, *_) = everything.json()["answers"]  # a text, without naming tasks: all that read just a text
    assert set(topic) == {
        "topic", "mentions", "strength", "intensity", "entity", "grammar", "part_of_speech",
    }  # fmt: skip
