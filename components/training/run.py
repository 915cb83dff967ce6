"""Files in, files out: encoded tasks, plan and encoder -> models/multitask and reports/training.json."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from components.data.encoding import EncodedSplit, cards_of
from components.data.mixture import Plan
from components.data.plan import easiest
from components.data.rows import read_rows
from components.files import atomic_folder, read_json, write_json
from components.model.multitask import MultiTaskModel
from components.settings import Project
from components.training import checkpoint
from components.training.loop import train
from components.training.progress import Progress

# What shapes the weights.
CODE = ("data/batching.py", "data/mixing", "data/mixture.py", "model", "tasks", "training")


def run(project: Project, root: Path, progress: Progress) -> None:
    """Train the project's plan below `root`, going on from a checkpoint of the same run if there is one."""
    whole = read_json(root / "reports/plan.json")
    checkpoints = checkpoints_of(project, root, whole)
    model, history = fit(project, root, whole, checkpoints, progress)
    save(model, root / project.model.encoder / "tokenizer.json", root / "models/multitask")
    write_json(root / "reports/training.json", {"evaluations": history})
    shutil.rmtree(checkpoints, ignore_errors=True)


def fit(
    project: Project, root: Path, whole: dict[str, Any], checkpoints: Path, progress: Progress
) -> tuple[MultiTaskModel, list[dict[str, Any]]]:
    """Train by a plan (what reports/plan.json holds) from the data below `root`: the model, the record."""
    encoder, encoded = root / project.model.encoder, root / "encoded"
    splits = {name: EncodedSplit(encoded / name / "train.arrow") for name in whole["tasks"]}
    plan = Plan.from_json(whole, easiest(whole, splits))
    cards = {head: card for name in plan.tasks for head, card in cards_of(encoded / name).items()}
    model = MultiTaskModel.from_encoder(encoder, cards, project.model.dropout, project.seed)
    torch.nn.Module.to(model, "cuda" if torch.cuda.is_available() else "cpu")
    history = train(
        model,
        plan,
        project.training,
        project.seed,
        splits,
        {name: EncodedSplit(encoded / name / "validation.arrow") for name in plan.tasks},
        _validation_rows(root / "data", cards),
        checkpoints,
        progress,
    )
    return model, history


def checkpoints_of(project: Project, root: Path, whole: dict[str, Any]) -> Path:
    """The folder of a run's checkpoints, named by all that shapes its weights."""
    settings = [project.seed, project.model.model_dump(), project.training.model_dump(), whole]
    return root / ".onetrunk/checkpoints" / checkpoint.key(settings, inputs(project, root))


def inputs(project: Project, root: Path) -> list[Path]:
    """The files that a run's weights depend on: the encoder, the encoded tasks, the code."""
    encoder = root / project.model.encoder
    manifests = [root / "encoded" / name / "manifest.json" for name in project.tasks]
    return [encoder / "model.safetensors", encoder / "config.json", *manifests, *_code()]


def save(model: MultiTaskModel, tokenizer: Path, target: Path) -> None:
    """Write model and tokenizer atomically, with a manifest."""
    with atomic_folder(target) as folder:
        model.save_pretrained(folder)
        shutil.copy(tokenizer, folder / "tokenizer.json")


def _validation_rows(data: Path, cards: Mapping[str, dict[str, Any]]) -> Any:
    rows = {head: read_rows(data / card["task"], "validation", head) for head, card in cards.items()}
    return lambda head, numbers: [rows[head][number] for number in numbers]


def _code() -> list[Path]:
    package = Path(__file__).parent.parent
    return [
        file for part in CODE for file in [*(package / part).rglob("*.py"), package / part] if file.is_file()
    ]
