"""A task of sixty texts and two labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from components.settings.project import Task

PLAIN = [f"text number {n},{'ab'[n % 2]}" for n in range(60)]


def task(path: str, **changes: Any) -> Task:
    return Task.model_validate(
        {
            "family": "classification",
            "source": {"path": path, "format": "csv"},
            "columns": {"text": "text", "label": "label"},
            "splits": {"validation": 0.2, "test": 0.2},
            "cleaning": {},
            "max_length": 32,
            "gate": {"metric": "accuracy", "floor": 0.5},
            "example": {"text": "x"},
            **changes,
        }
    )


def read_splits(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {
        name: pq.read_table(folder / f"{name}.parquet").to_pylist()
        for name in ("train", "validation", "test")
    }
