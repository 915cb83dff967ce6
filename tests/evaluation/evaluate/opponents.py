"""Champions and anchors that a trained project is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file as numpy_file
from safetensors.torch import load_file, save_file

from components import params
from components.data.contract import known_rows
from components.data.contract.rows import read_rows
from components.evaluation.champion import Opponent
from components.evaluation.evaluate import evaluate
from components.evaluation.gate import verdict
from components.evaluation.records import EVALUATION, Champion, Evaluation, Verdict
from components.families import get
from components.files import read_json, write_json
from tests.verdicts import rules

OTHERS = ["size", "closeness"]  # which so small a training does not teach


def opponent() -> Opponent:
    """The model in champion/."""
    return Opponent(Path("champion"), Champion(release="v1", model="m" * 64, manifest="f" * 64))


def judged(gates: dict[str, Any], without_champion: tuple[str, ...] = ()) -> Verdict:
    """The champion of now against the candidate, by these gates."""
    evaluate(params.load(), Path(), opponent(), lambda text: None)
    return against(gates, [*without_champion, "people", *OTHERS])


def against(gates: dict[str, Any], without_champion: Sequence[str]) -> Verdict:
    """The verdict on the evidence of now."""
    return verdict(Evaluation.read(EVALUATION), rules(gates, without_champion))


def relabel(champion: Path, head: str, labels: list[str]) -> None:
    """The champion has learnt these labels: rows of its last layer are taken out, or come random."""
    config, tensors = read_json(champion / "config.json"), load_file(champion / "model.safetensors")
    facts = config["tasks"][head]["facts"]
    place = {label: number for number, label in enumerate(facts["labels"])}
    for name in [name for name in tensors if name.startswith("heads.") and f"{head}.output." in name]:
        rows = [tensors[name][place[one]] if one in place else tensors[name][0] - 9 for one in labels]
        tensors[name] = torch.stack(rows)
    facts["labels"] = labels
    write_json(champion / "config.json", config)
    save_file(tensors, champion / "model.safetensors", {"format": "pt"})


def call_mood(name: str, folder: Path) -> None:
    """The release knows the task by another name."""
    config, tensors = read_json(folder / "config.json"), load_file(folder / "model.safetensors")
    config["tasks"][name] = config["tasks"].pop("mood")
    config["tasks"][name]["task"] = config["tasks"]["size"]["task"] = name
    write_json(folder / "config.json", config)
    moved = {key.replace("task:mood.", f"task:{name}."): value for key, value in tensors.items()}
    save_file(moved, folder / "model.safetensors", {"format": "pt"})


def remember_rows(folder: Path, train: str, test: str) -> None:
    """The release has learnt from the rows of one split of mood, and was tested on those of another."""
    kept = {
        "mood/train": known_rows.of_texts(read_rows(Path("data/mood"), train, "mood"), get("classification")),
        "mood/test": known_rows._of_split(
            Path("data/mood") / f"{test}.parquet", lambda rows: known_rows.of_rows(rows.to_pylist())
        ),
    }
    numpy_file({name: np.sort(hashes) for name, hashes in kept.items()}, folder / known_rows.FILE)
