"""Source -> data/<task>: read, cleaned, split; known faults are removed, counted and reported."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components import tasks
from components.data.sources import Record, read
from components.data.splits import SPLITS, assign
from components.errors import UserError
from components.files import atomic_folder, write_json
from components.settings import Cleaning, Task
from components.tasks.base import BadRowError, Family, Row, text_key

EXAMPLES = 5  # ids of removed rows that the report names, per reason


class Removed:
    """Counts the rows that cleaning takes out, with a few ids of each kind."""

    def __init__(self) -> None:
        self.ids: dict[str, list[str]] = {"duplicates": [], "conflicts": [], "leakage": [], "straddling": []}

    def add(self, reason: str, rows: Sequence[Row]) -> None:
        self.ids[reason] += [row["id"] for row in rows]

    def report(self) -> dict[str, Any]:
        return {
            "removed": {reason: len(ids) for reason, ids in self.ids.items()},
            "removed_ids": {reason: sorted(ids)[:EXAMPLES] for reason, ids in self.ids.items()},
        }


def ingest(name: str, task: Task, seed: int, target: Path) -> None:
    """Read a task's source and write its folder: three Parquet files, task.json and ingest.json.

    Raises:
        UserError: a row that its family cannot read, a label outside the set, a duplicated id.
    """
    family = tasks.get(task.family)
    rows = _read_rows(family, task)
    read_rows, removed = len(rows), Removed()
    rows = clean(rows, task.cleaning, removed)
    splits = split(rows, task, seed, removed)
    facts = _learn_facts(name, family, task, splits)
    with atomic_folder(target) as folder:
        for split_name in SPLITS:
            _write(folder / f"{split_name}.parquet", family, splits[split_name])
        card = {"task": name, "family": family.name, "facts": facts, "max_length": task.max_length}
        counts = {split_name: len(splits[split_name]) for split_name in SPLITS}
        write_json(folder / "task.json", {**card, "pair": "text_pair" in task.columns, "rows": counts})
        write_json(folder / "ingest.json", {"read": {"rows": read_rows}, **removed.report()})


def _read_rows(family: Family, task: Task) -> list[Row]:
    rows: list[Row] = []
    places: dict[str, str] = {}  # id -> where its row stands
    for record in read(task.source, task.columns):
        try:
            row = family.read(record.values)
        except BadRowError as error:
            raise UserError(f"{record.place}: {error}") from None
        row["id"] = _identity(record, row, family)
        if "id" in task.columns and row["id"] in places:
            raise UserError(
                f"{record.place}: id '{row['id']}' is already that of {places[row['id']]}; "
                f"expected distinct ids"
            )
        places[row["id"]] = record.place
        row["place"], row["split"] = record.place, record.split
        row["key"] = text_key(family.text_of(row))
        row["target"] = family.target_of(row)
        row["groups"] = [text_key(str(record.values[role])) for role in task.splits.groups]
        rows.append(row)
    return rows


def _identity(record: Record, row: Row, family: Family) -> str:
    if "id" in record.values:
        return str(record.values["id"])
    content = json.dumps([record.split, family.text_of(row), family.target_of(row)], ensure_ascii=True)
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def clean(rows: Sequence[Row], cleaning: Cleaning, removed: Removed) -> list[Row]:
    """Drop the repeats of a text within its given split, and what its rows cannot agree on."""
    by_text: dict[tuple[str | None, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_text[row["split"], row["key"]].append(row)
    kept = []
    for same in by_text.values():
        agreed = _resolve_conflict(same, cleaning.conflicts, removed) if len(same) > 1 else same
        if cleaning.duplicates == "drop" and len(agreed) > 1:
            first = {row["target"]: row for row in reversed(agreed)}  # one row of each target, the first
            removed.add("duplicates", [row for row in agreed if row is not first[row["target"]]])
            agreed = [row for row in agreed if row is first[row["target"]]]
        kept += agreed
    return kept


def _resolve_conflict(same: list[Row], policy: str, removed: Removed) -> list[Row]:
    """`drop` every row of a text with several targets, or `keep` all, or those of the `majority`."""
    counts = Counter(row["target"] for row in same)
    if len(counts) == 1 or policy == "keep":
        return same
    (winner, votes), (_, second) = counts.most_common(2)
    kept = [row for row in same if row["target"] == winner] if policy == "majority" and votes > second else []
    removed.add("conflicts", [row for row in same if row not in kept])
    return kept


def split(rows: Sequence[Row], task: Task, seed: int, removed: Removed) -> dict[str, list[Row]]:
    """Given splits stay; missing ones are made from the training rows by hash."""
    given = {row["split"] for row in rows if row["split"]}
    made = ["train", *(name for name in SPLITS[1:] if name not in given)]
    splits: dict[str, list[Row]] = {name: [] for name in SPLITS}
    for row in rows:
        chosen = row["split"]
        if chosen in (None, "train"):
            chosen = assign(row["groups"] or [row["key"]], task.splits, seed, made)
        if chosen is None:
            removed.add("straddling", [row])
        else:
            splits[chosen].append(row)
    if task.cleaning.leakage == "drop":
        _drop_leaks(splits, removed)
    return splits


def _drop_leaks(splits: dict[str, list[Row]], removed: Removed) -> None:
    """The test stays as it is; texts of it leave validation, and texts of either leave training."""
    seen = {row["key"] for row in splits["test"]}
    for name in ("validation", "train"):
        removed.add("leakage", [row for row in splits[name] if row["key"] in seen])
        splits[name] = [row for row in splits[name] if row["key"] not in seen]
        seen |= {row["key"] for row in splits[name]}


def _learn_facts(name: str, family: Family, task: Task, splits: dict[str, list[Row]]) -> dict[str, Any]:
    for split_name in SPLITS:
        if not splits[split_name]:
            raise UserError(
                f"{task.source.path}: no rows are left for {name}'s {split_name} split; "
                f"see tasks.{name}.splits in params.yaml"
            )
    try:
        facts = family.learn_facts(splits["train"], task.source.labels)
    except BadRowError as error:
        raise UserError(f"params.yaml: tasks.{name}: {error}") from None
    for rows in splits.values():
        for row in rows:
            try:
                family.check_row(row, facts)
            except BadRowError as error:
                raise UserError(f"{row['place']}: {error}") from None
    return facts


def _write(path: Path, family: Family, rows: Sequence[Row]) -> None:
    schema = pa.schema([("id", pa.string()), *family.schema(), ("groups", pa.list_(pa.string()))])
    table = pa.Table.from_pylist([{field.name: row[field.name] for field in schema} for row in rows], schema)
    pq.write_table(table, path, compression="zstd")
