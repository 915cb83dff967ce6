"""A project whose tasks and labels have odd names goes through its stages, and every page shows them."""

from __future__ import annotations

import importlib
import io
import subprocess
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from components import params
from components.evaluation import summary
from components.evaluation.records import CHAMPION, EVALUATION, ChampionReport, Evaluation
from components.files import read_json
from components.model import saving
from tests.conftest import encode_project

LONG = "a label of three hundred characters, which no page can show in one line and no cell should, " * 4
LABELS = {"up": "טוב / good [bold]", "down": LONG.strip()}
NAMES = {"mood": "type", "size": "half", "people": "customer's v1.2 😀", "closeness": "סמיכות, b"}


@pytest.fixture
def odd_project(tiny_project: Path) -> Path:
    file = tiny_project / "params.yaml"
    given = yaml.safe_load(file.read_text())
    tasks = {NAMES[name]: task for name, task in given["tasks"].items()}
    tasks["type"]["joint"] = {"half": tasks["type"]["joint"]["size"]}
    tasks["type"]["source"]["labels"] = list(LABELS.values())
    tasks["type"]["gate"]["floor"] = 2.0 - 1.5
    given["tasks"] = tasks
    given["training"]["tokens"] = 2500
    given["remotes"] = {}  # which dvc.yaml looks for
    file.write_text(yaml.safe_dump(given, allow_unicode=True, sort_keys=False))
    source = tiny_project / "sources/mood.csv"
    lines = source.read_text().splitlines()
    fields = [line.split(",") for line in lines[1:]]
    rows = [f'{text},"{LABELS[label]}",{size}' for text, label, size in fields]
    source.write_text("\n".join([lines[0], *rows]) + "\n")
    encode_project(tiny_project)
    subprocess.run(["git", "init", "-q"], check=True)  # where releases are looked for
    return tiny_project


def stage(name: str, *arguments: str) -> None:
    """Run a stage in this process."""
    importlib.import_module(f"components.stages.{name}").main(*arguments)


@pytest.mark.slow
def test_odd_names_go_through_every_stage_and_are_shown(odd_project: Path) -> None:
    stage("train")
    for task in params.load().tasks:
        stage("baseline", task)
        stage("validate", task)
    ChampionReport(champion=None).write(CHAMPION)
    stage("data_gate")
    stage("curves")
    stage("evaluate")
    with pytest.raises(Exception, match="the gate says"):
        stage("gate")
    assert set(Evaluation.read(EVALUATION).tasks) == set(NAMES.values())
    assert set(saving.load(Path("models/multitask")).heads) == set(NAMES.values())
    assert {one["label"] for one in read_json(Path("predictions/type.json"))} <= set(LABELS.values())
    for page in ("validation", "training", "evaluation"):
        html = Path(f"reports/{page}.html").read_text()
        assert "<bdi>סמיכות, b</bdi>" in html
        assert "customer&#39;s v1.2 😀" in html
        assert len(LABELS["down"]) > 300
    html = Path("reports/evaluation.html").read_text()
    assert f'<bdi title="{LABELS["down"]}">' in html
    assert "<bdi>טוב / good [bold]</bdi>" in html
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(summary.render(summary.read(Path()), Path()))
    assert "customer's v1.2 😀" in console.export_text()


def test_dvc_gives_the_stages_the_names_as_they_are(odd_project: Path) -> None:
    import shlex

    from dvc.repo import Repo

    root = Path(__file__).parents[2]
    (odd_project / "dvc.yaml").write_text((root / "dvc.yaml").read_text())
    repo = Repo.init(str(odd_project), no_scm=True)
    commands = {one.name: one.cmd for one in repo.index.stages if getattr(one, "name", None)}
    for name in ("type", NAMES["people"], NAMES["closeness"]):
        assert shlex.split(commands[f"encode@{name}"])[-1] == name
