"""Files in, files out: encoded tasks, plan and encoder -> models/multitask and reports/training.json."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
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
from components.training.affinity import Affinity
from components.training.loop import train
from components.training.progress import Progress

# What shapes the weights.
CODE = ("data/batching.py", "data/mixing", "data/mixture.py", "model", "tasks", "training")


def run(project: Project, root: Path, progress: Progress) -> None:
    """Train the project's plan below `root`, going on from a checkpoint of the same run if there is one."""
    fit = Fit(project, root, root / "reports/plan.json", project.seed)
    model, history = fit.train(progress)
    save(model, fit.encoder / "tokenizer.json", root / "models/multitask")
    write_json(root / "reports/training.json", {"evaluations": history})
    shutil.rmtree(fit.checkpoints, ignore_errors=True)


@dataclass(frozen=True)
class Fit:
    """One training run below `root`: a plan, a seed, and the heads that train (none named: all)."""

    project: Project
    root: Path
    plan_file: Path
    seed: int
    heads: tuple[str, ...] = ()
    area: str = ".onetrunk/checkpoints"  # the folder of its checkpoints, below `root`

    @property
    def encoder(self) -> Path:
        return self.root / self.project.model.encoder

    @cached_property
    def cards(self) -> dict[str, dict[str, Any]]:
        """The cards of the heads that train."""
        found = {
            head: card
            for name in read_json(self.plan_file)["tasks"]
            for head, card in cards_of(self.root / "encoded" / name).items()
        }
        return {head: card for head, card in found.items() if not self.heads or head in self.heads}

    @cached_property
    def key(self) -> str:
        """The name of the run: whatever changes the trained weights changes it."""
        names = read_json(self.plan_file)["tasks"]
        files = [self.plan_file, self.encoder / "model.safetensors", self.encoder / "config.json"]
        files += [self.root / "encoded" / name / "manifest.json" for name in names]
        project = self.project
        settings = [self.seed, project.model.model_dump(), project.training.model_dump(), self.heads]
        return checkpoint.key(settings, [*files, *_code()])

    @property
    def checkpoints(self) -> Path:
        return self.root / self.area / self.key

    def train(
        self, progress: Progress, affinity: Affinity | None = None
    ) -> tuple[MultiTaskModel, list[dict[str, Any]]]:
        """The trained model, and the record; goes on from a checkpoint if there is one."""
        whole, encoded = read_json(self.plan_file), self.root / "encoded"
        splits = {name: EncodedSplit(encoded / name / "train.arrow") for name in whole["tasks"]}
        plan = Plan.from_json(whole, easiest(whole, splits))
        model = MultiTaskModel.from_encoder(self.encoder, self.cards, self.project.model.dropout, self.seed)
        torch.nn.Module.to(model, "cuda" if torch.cuda.is_available() else "cpu")
        history = train(
            model,
            plan,
            self.project.training,
            self.seed,
            splits,
            {name: EncodedSplit(encoded / name / "validation.arrow") for name in plan.tasks},
            _validation_rows(self.root / "data", self.cards),
            self.checkpoints,
            progress,
            affinity,
        )
        return model, history


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
