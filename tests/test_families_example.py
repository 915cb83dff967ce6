"""examples/families: a task of each family of labelled rows, trained for real on one encoder, served, asked.

The gate passes a task only where the interval of its metric excludes the trivial baseline, so PROMOTE
says that of all of them. Which targets are annotated and which derived: examples/families/prepare.py.
"""

from __future__ import annotations

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import families
from components.files import read_json
from flows.running.dvc_stage import environment
from tests.packages import write_first_blocks
from tests.scripts import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.minutes(2), pytest.mark.timeout(1800)]
PARAMS = yaml.safe_load((ROOT / "examples/families/params.yaml").read_text())
# Half of the example's tokens, in smaller steps, and of its encoder's blocks are enough to be better than the trivial
# baselines where the tasks that learn late get more rows, and those that are far better than theirs are measured on
# fewer.
BUDGET = {"tokens": 84_000, "tokens_per_step": 1000, "evaluate_every": 1000}
RATIO = {
    "topic": 8, "mentions": 9, "strength": 28, "intensity": 4, "entity": 7, "grammar": 6, "relation": 11,
    "answer": 20, "continuation": 6, "interest": 5,
}  # fmt: skip
TESTS = {
    "topic": 0.15,
    "mentions": 0.1,
    "intensity": 0.05,
    "entity": 0.1,
    "grammar": 0.1,
}  # shares of the rows
FEWER = {"continuation": 400, "strength": 1400}  # rows
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
"""  # in DVC's order, in one process that has the libraries loaded: starting one for each takes longer
HEADS = {head for name, task in PARAMS["tasks"].items() for head in (name, *task.get("joint", {}))}


def environment_of(folder: Path) -> dict[str, str]:
    return {**environment(folder), "PYTHONPATH": str(ROOT)}


def smaller() -> dict[str, Any]:
    """The example's settings, with its floors, for less work."""
    settings = copy.deepcopy(PARAMS)
    del settings["packages"]["minilm"]
    settings["model"]["encoder"] = "encoder"
    settings["training"] |= BUDGET
    settings["mixture"] = {"method": "fixed_ratio", "ratio": RATIO}
    for task, share in TESTS.items():
        settings["tasks"][task]["splits"]["test"] = share
    return settings


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, forking_python: str) -> Path:
    folder = tmp_path_factory.mktemp("families") / "project"
    python = f"{forking_python}/python"
    subprocess.run(
        [python, ROOT / "examples/start.py", "families", folder], env=environment_of(ROOT), check=True
    )
    write_first_blocks(folder / "encoder", blocks=3)
    (folder / "params.yaml").write_text(yaml.safe_dump(smaller(), sort_keys=False))
    for task, rows in FEWER.items():
        source = folder / f"sources/{task}.jsonl"
        source.write_text("".join(source.read_text().splitlines(keepends=True)[:rows]))
    script = folder.with_name("stages.py")
    script.write_text(STAGES)
    subprocess.run([python, script], cwd=folder, env=environment_of(folder), check=True)
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


def test_the_bento_answered_every_task(project: Path) -> None:
    answers = read_json(project / "reports/answers.json")["tasks"]
    assert set(answers) == HEADS
    for name, task in PARAMS["tasks"].items():
        for head, annotation in {name: task, **task.get("joint", {})}.items():
            family = families.get(annotation["family"])
            family.response.model_validate(answers[head]["answer"])
