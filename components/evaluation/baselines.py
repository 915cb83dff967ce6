"""What a task must be compared with: the majority or mean, and TF-IDF with a linear model."""

from __future__ import annotations

from pathlib import Path

from components import families
from components.data.contract.cards import task_card
from components.data.contract.rows import labelled_rows
from components.files import atomic_folder, write_json


def baselines(data: Path, target: Path) -> None:
    """Fit both on the training rows of every head and write their predictions of its test rows."""
    with atomic_folder(target) as folder:
        for head, card in task_card(data).heads.items():
            family = families.get(card.family)
            train, test = (labelled_rows(data, split, head) for split in ("train", "test"))
            (folder / head).mkdir()
            fits = {"trivial": family.majority_baseline, "linear": family.tfidf_baseline}
            for name, baseline in fits.items():
                write_json(folder / head / f"{name}.json", baseline(train, test, card.facts))
