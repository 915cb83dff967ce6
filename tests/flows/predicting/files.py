"""Files of questions of every kind, written, and answers read."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

TEXTS = [f"ada was in rome {'again ' * (number % 5)}{number}" for number in range(40)]
Ask = Callable[..., tuple[int, int]]


def write_lines(name: str, rows: Sequence[Any]) -> None:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def load(name: str) -> list[dict[str, Any]]:
    """As other programs read it."""
    if name.endswith(".parquet"):
        return list(pq.read_table(name).to_pylist())
    with (gzip.open if name.endswith(".gz") else open)(name, "rt", newline="") as opened:
        if "jsonl" in name:
            return [json.loads(line) for line in opened]
        return list(csv.DictReader(opened, delimiter="\t" if "tsv" in name else ","))
