"""Whole training runs of the project in the current folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from components import params
from components.files import read_json, sha256, write_json
from components.tracking.terminal import Terminal
from components.training.run.fit import run
from components.training.run.watcher import Seen

MODEL = Path("models/multitask/model.safetensors")


class Stop(Terminal):
    """Interrupts the run as a person would, after a given step."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def step(self, seen: Seen) -> None:
        if seen.step == self.after:
            raise KeyboardInterrupt


def train() -> tuple[str, dict[str, Any]]:
    """A whole run; the hash of its model, and its report."""
    shutil.rmtree("models/multitask", ignore_errors=True)
    run(params.load(), Path(), Terminal())
    forget()
    return sha256(MODEL), read_json(Path("reports/training.json"))


def forget() -> None:
    """A training that has ended is kept; after this the same one begins anew."""
    shutil.rmtree(".onetrunk/trained")


def shorten(steps: int) -> None:
    """A shorter run of the project in the current folder."""
    plan = Path("reports/plan.json")
    write_json(plan, {**read_json(plan), "steps": steps})
