"""Measures the tasks' data: each task by itself, then all of them together.

Nothing here stops a run: a report says which checks hold, and the joint stage decides. Reports hold
counts and row ids, never a row's text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components import tasks
from components.data import suites
from components.data.splits import SPLITS
from components.errors import UserError
from components.files import read_json
from components.settings import Checks, Cleaning
from components.tasks.base import Family, Row, text_key

Report = dict[str, Any]  # JSON


@dataclass(frozen=True)
class TaskData:
    """A task's folder of the data contract, in memory."""

    card: dict[str, Any]
    family: Family
    tables: dict[str, pa.Table]  # by split

    def schema(self) -> pa.Schema:
        """The columns that every split must have, and their types."""
        return pa.schema([("id", pa.string()), *self.family.schema(), ("groups", pa.list_(pa.string()))])

    def required(self) -> list[str]:
        """The columns without missing values: `text_pair` is one if the task is about pairs."""
        return [name for name in self.schema().names if name != "text_pair" or self.card["pair"]]

    def found_type(self, split: str, column: str) -> pa.DataType | None:
        """The type that a column has in a split, None where it is absent."""
        schema = self.tables[split].schema
        return schema.field(column).type if column in schema.names else None

    def fits_schema(self) -> bool:
        """Can the contents be looked at, in every split?"""
        return all(
            self.found_type(split, field.name) == field.type for split in SPLITS for field in self.schema()
        )

    def rows(self) -> list[Row]:
        """Every row with its `split`; a NaN, or a list that holds a missing value, becomes None."""
        rows = []
        for split, table in self.tables.items():
            for row in table.select(self.schema().names).to_pylist():
                rows.append({**{name: _or_none(value) for name, value in row.items()}, "split": split})
        return rows

    def complete_rows(self) -> list[Row]:
        """The rows that have a value in every required column, with the `text_key` of their text."""
        required = self.required()
        complete = [row for row in self.rows() if all(row[name] is not None for name in required)]
        return [{**row, "text_key": text_key(self.family.text_of(row))} for row in complete]


def _or_none(value: Any) -> Any:
    missing = None in value if isinstance(value, list) else value != value  # noqa: PLR0124 (NaN)
    return None if missing else value


def read_task(folder: Path) -> TaskData:
    """Read a folder that ingest wrote.

    Raises:
        UserError: a file is missing or is not what it should be.
    """
    card = read_json(folder / "task.json")
    tables = {split: _read_parquet(folder / f"{split}.parquet") for split in SPLITS}
    return TaskData(card, tasks.get(card["family"]), tables)


def _read_parquet(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run `onetrunk run` to make it") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from None


# --- one task ------------------------------------------------------------------------------------


def validate_task(folder: Path, cleaning: Cleaning, checks: Checks) -> Report:
    """Return the report of the task in `folder`: its checks, counts, distributions and lengths.

    `cleaning` says which faults ingest has removed, so that finding one is an error. Where the
    columns are wrong the contents are not looked at, and `contents_checked` is false.

    Raises:
        UserError: a file of the folder is missing or cannot be read.
    """
    data = read_task(folder)
    report: Report = {
        "task": data.card["task"],
        "family": data.family.name,
        "rows": {split: len(table) for split, table in data.tables.items()},
        "ingest": read_json(folder / "ingest.json"),
        "contents_checked": data.fits_schema(),
        "checks": _check_schema(data),
        "distribution": {},
        "lengths": None,
    }
    if not data.fits_schema():
        return report
    rows = data.complete_rows()
    report["checks"] += _check_presence(data, checks) + _check_contents(data, rows, cleaning, checks)
    report["distribution"] = {split: _distribution(data, rows, split) for split in SPLITS}
    report["lengths"] = _lengths([len(_whole_text(data, row)) for row in rows])
    return report


def _check_schema(data: TaskData) -> list[Report]:
    import pandas as pd

    columns = []
    for split in SPLITS:
        for field in data.schema():
            found = data.found_type(split, field.name)
            expected, shown = str(field.type), str(field.type if found == field.type else found or "absent")
            place = f"{split}.{field.name} is {shown}, expected {expected}"
            columns.append({"id": place, "expected": expected, "found": shown})
    return suites.evaluate(pd.DataFrame(columns), suites.schema_checks(), unit="columns")


def _check_presence(data: TaskData, checks: Checks) -> list[Report]:
    import pandas as pd

    frame = pd.DataFrame(data.rows(), columns=[*data.schema().names, "split"])
    return suites.evaluate(frame, suites.presence_checks(SPLITS, data.required(), checks))


def _check_contents(data: TaskData, rows: list[Row], cleaning: Cleaning, checks: Checks) -> list[Report]:
    import pandas as pd

    texts = [_whole_text(data, row) for row in rows]
    frame = pd.DataFrame(rows, columns=[*data.schema().names, "split", "text_key"]).assign(
        whole_text=texts,
        characters=[len(text) for text in texts],
        target_key=[repr(data.family.target_of(row)) for row in rows],
    )
    own = data.family.expectations(data.card["facts"], checks)
    results = suites.evaluate(frame, suites.text_checks(cleaning, checks) + own)
    groups = frame[["id", "split", "groups"]].explode("groups").dropna().reset_index(drop=True)
    return results + (suites.evaluate(groups, suites.group_checks()) if len(groups) else [])


def _whole_text(data: TaskData, row: Row) -> str:
    return data.family.text_of(row).strip()


def _distribution(data: TaskData, rows: Sequence[Row], split: str) -> list[tuple[str, int]]:
    table = pa.Table.from_pylist([row for row in rows if row["split"] == split], data.schema())
    return data.family.distribution(table, data.card["facts"])


def _lengths(lengths: Sequence[int]) -> Report:
    """Characters per text: bins [low, high) that double in width, the median and the longest."""
    longest = max(lengths, default=0)
    edges = [0, 10]
    while edges[-1] <= longest:
        edges.append(2 * edges[-1])
    counts, _ = np.histogram(lengths, edges)
    bins = [[low, high, int(count)] for low, high, count in zip(edges, edges[1:], counts, strict=False)]
    return {"bins": bins, "median": float(np.median(lengths)) if lengths else 0.0, "longest": longest}


# --- all tasks -----------------------------------------------------------------------------------


def between_tasks(folders: Sequence[Path]) -> Report:
    """Find training rows of one task whose text another task holds out (validation or test).

    Returns `leaks`, {train_task: {test_task: rows}}, and `exclude`, {train_task: [row ids]}: what
    the mixture plan leaves out of training. A task whose columns are wrong is passed over.
    """
    import pandas as pd

    rows: list[tuple[int, str, str, str, str]] = []
    for data in map(read_task, folders):
        for row in data.complete_rows() if data.fits_schema() else []:
            role = "training" if row["split"] == "train" else "held out"
            rows.append((len(rows), data.card["task"], row["id"], row["text_key"], role))
    frame = pd.DataFrame(rows, columns=["id", "task", "row", "text_key", "role"])
    (result,) = suites.evaluate(frame, suites.between_tasks_checks(), examples=max(1, len(frame)))
    both = frame.loc[result["examples"]]
    held_out = both[both["role"] == "held out"][["task", "text_key"]].drop_duplicates()
    pairs = both[both["role"] == "training"].merge(held_out, on="text_key", suffixes=("", "_held_out"))
    pairs = pairs[pairs["task"] != pairs["task_held_out"]]  # within a task it is that task's own error
    leaks: dict[str, Counter[str]] = {name: Counter() for name in sorted(set(pairs["task"]))}
    exclude: dict[str, set[str]] = {name: set() for name in leaks}
    for task, row_id, other in zip(pairs["task"], pairs["row"], pairs["task_held_out"], strict=True):
        leaks[task][other] += 1
        exclude[task].add(row_id)
    return {
        "leaks": {task: dict(sorted(counts.items())) for task, counts in leaks.items()},
        "exclude": {task: sorted(ids) for task, ids in exclude.items()},
    }


def summarise(reports: Mapping[str, Report], between: Report) -> Report:
    """Join the tasks' reports: `success`, and one sentence for every error and warning."""
    sentences: dict[str, list[str]] = {"error": [], "warning": [], "pass": []}
    for task, report in reports.items():
        for check in report["checks"]:
            sentences[check["status"]].append(_sentence(task, check))
    for task, others in between["leaks"].items():
        held_out = ", ".join(f"{other} ({count:,})" for other, count in others.items())
        rows = len(between["exclude"][task])
        sentences["warning"].append(f"{task}: {rows:,} training rows are left out, held out by {held_out}")
    return {
        "success": not sentences["error"],
        "errors": sentences["error"],
        "warnings": sentences["warning"],
        "tasks": dict(reports),
        "between_tasks": between,
    }


def _sentence(task: str, check: Report) -> str:
    examples = f", such as {' and '.join(check['examples'][:2])}" if check["examples"] else ""
    return f"{task}: '{check['title']}' does not hold: {check['detail']}{examples}"
