"""Synthetic task folders of the data contract, sound unless a test says otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components import families
from components.data.contract.rows import column_of
from components.data.contract.splits import SPLITS

Rows = dict[str, list[dict[str, Any]]]
FACTS: dict[str, dict[str, Any]] = {
    "classification": {"labels": ["down", "up"]},
    "regression": {"mean": 0.5, "deviation": 0.3, "minimum": 0.0, "maximum": 1.0},
    "tagging": {"labels": ["PER"], "tags": ["O", "B-PER", "I-PER"]},
}


def sound_rows(family: str, task: str = "toy", rows: int = 24) -> Rows:
    """Rows in which every check holds; no text occurs twice, within the task or in another task."""
    splits: Rows = {}
    for split in SPLITS:
        splits[split] = [_row(family, f"{task} {split} text number {n}", n) for n in range(rows)]
        for n, row in enumerate(splits[split]):
            row.update(id=f"{task}-{split}-{n}", groups=[])
    return splits


def _row(family: str, text: str, n: int) -> dict[str, Any]:
    if family == "tagging":
        tokens = [*text.split(), "Ada", "Lovelace"]
        tags = ["O"] * (len(tokens) - 2) + ["B-PER", "I-PER"]
        return {"text": " ".join(tokens), "tags": tags, "tokens": tokens}
    target = {"label": ["down", "up"][n % 2]} if family == "classification" else {"score": n / 24}
    return {"text": text, "text_pair": None, **target}


def _options(name: str) -> dict[str, Any]:
    return families.get(name).options().model_dump()


def write_folder(
    root: Path,
    family: str,
    splits: Rows,
    task: str = "toy",
    pair: bool = False,
    joint: dict[str, str] | None = None,
) -> Path:
    """Write data/<task> as ingest does; `joint` are further heads and their families."""
    folder = root / "data" / task
    folder.mkdir(parents=True)
    heads = {task: family, **(joint or {})}
    targets = [
        (column_of(task, head, field.name), field.type)
        for head, name in heads.items()
        for field in families.get(name).target_schema()
    ]
    inputs = families.get(family).input_schema()
    schema = pa.schema([("id", pa.string()), *inputs, *targets, ("groups", pa.list_(pa.string()))])
    for split, rows in splits.items():
        pq.write_table(pa.Table.from_pylist(rows, schema), folder / f"{split}.parquet")
    counts = {split: len(rows) for split, rows in splits.items()}
    cards = {
        head: {"family": name, "facts": {**FACTS[name], "options": _options(name)}, "rows": counts}
        for head, name in heads.items()
    }
    card = {"task": task, "max_length": 32, "inputs": ["text", "text_pair"] if pair else ["text"]}
    (folder / "task.json").write_text(
        json.dumps({"schema_version": 1, **card, "rows": counts, "heads": cards})
    )
    removed = {"duplicates": 1, "conflicts": 0, "leakage": 0, "straddling": 0}
    gone = {"id": "gone-1", "place": "source: row 9", "text": "a removed text"}
    named = {reason: [gone] * count for reason, count in removed.items()}
    report = {
        "read": {"rows": sum(counts.values()) + 1, "skipped": {}},
        "removed": removed,
        "removed_rows": named,
    }
    (folder / "ingest.json").write_text(json.dumps(report))
    return folder
