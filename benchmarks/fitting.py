"""Training a few tasks in a folder of their own, for benchmarks: `root` has data/ and encoded/ of each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from components.data.contract.cards import HeadCard, HeadCards
from components.data.contract.rows import read_rows
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture.draws import Plan
from components.data.mixture.records import PlanRecord
from components.encoder.place import ENCODER
from components.model.multitask import MultiTaskModel
from components.settings.project import Project
from components.settings.training import Training
from components.tracking import Watcher
from components.training.run.loop import train
from components.training.run.measured import ReadRows


def fit(project: Project, training: Training, plan: PlanRecord, root: Path, seed: int) -> MultiTaskModel:
    """The project's encoder and fresh heads, trained by the plan (of `components.data.mixture.plan`):
    the best of its scheduled evaluations."""
    cards = cards_below(root, plan.tasks)
    model = MultiTaskModel.from_encoder(ENCODER, cards, project.model.dropout, seed)
    train(
        model, Plan.of(plan), training, seed, splits(root, plan.tasks, "train"),
        splits(root, plan.tasks, "validation"), reader(root, cards, "validation"), root / "checkpoints",
        Watcher(),
    )  # fmt: skip
    return model


def cards_below(root: Path, names: Iterable[str]) -> dict[str, HeadCard]:
    """The cards of the tasks' heads, by name."""
    return {head: card for name in names for head, card in cards_of(root / "encoded" / name).items()}


def splits(root: Path, names: Iterable[str], split: str) -> dict[str, EncodedSplit]:
    """The encoded rows of each task."""
    return {name: EncodedSplit(root / "encoded" / name / f"{split}.arrow") for name in names}


def reader(root: Path, cards: HeadCards, split: str) -> ReadRows:
    """Gives the data rows behind the numbers of a head's encoded ones."""
    rows = {head: read_rows(root / "data" / card["task"], split, head) for head, card in cards.items()}
    return lambda head, numbers: [rows[head][number] for number in numbers]
