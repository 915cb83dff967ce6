"""What a task must be compared with: the majority or mean, and TF-IDF with a linear model."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from components import tasks
from components.files import atomic_folder, read_json, write_json


def baselines(data: Path, target: Path) -> None:
    """Fit both on the task's training rows and write their predictions of the test rows."""
    family = tasks.get(read_json(data / "task.json")["family"])
    train, test = (pq.read_table(data / f"{split}.parquet").to_pylist() for split in ("train", "test"))
    with atomic_folder(target) as folder:
        write_json(folder / "trivial.json", family.trivial(train, test))
        write_json(folder / "linear.json", family.linear(train, test))
