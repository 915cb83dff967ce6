"""A row of the table of kinds: what test_kinds.py says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import PARAMS
from tests.data.kinds import made

TASK = {
    "family": "classification",
    "splits": {"validation": 0.2, "test": 0.2},
    "cleaning": {},
    "max_length": 24,
}
GATES = {"tagging": "entity_f1", "regression": "pearson", "ordinal": "mae", "multilabel": "micro_f1"}
KEYS = {
    "kind",
    "files",
    "cycled",
    "made",
    "task",
    "project",
    "rows",
    "of",
    "counts",
    "distinct",
    "refused",
    "warned",
}


@dataclass(frozen=True)
class Kind:
    """A row of the table."""

    given: dict[str, Any]

    def write(self, root: Path) -> None:
        for name, text in self.given.get("files", {}).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(text.encode())
        for name, table in self.given.get("cycled", {}).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(_cycled(**table).encode())
        if "made" in self.given:
            getattr(made, self.given["made"])(root)
        settings = yaml.dump(self.params(), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
        (root / "params.yaml").write_text(settings)

    def params(self) -> dict[str, Any]:
        task = {**TASK, **self.given["task"]}
        metric = GATES.get(task["family"], "accuracy")
        task = {"gate": {"metric": metric, "floor": -1.0, "margin": 0.5}, "example": {"text": "a b"}, **task}
        return {**yaml.load(PARAMS, yaml.CSafeLoader), "tasks": {"t": task}, **self.given.get("project", {})}

    @property
    def words(self) -> list[str]:
        said = self.given.get("refused") or self.given.get("warned") or []
        return [said] if isinstance(said, str) else said


def _cycled(lines: list[str], times: int, header: str = "", footer: str = "") -> str:
    texts = (f"text number {number}" for number in count())
    rows = [re.sub("@", lambda _: next(texts), line) for _ in range(times) for line in lines]
    return "\n".join([*([header] if header else []), *rows, footer])
