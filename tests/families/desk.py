"""A synthetic project with one task of questions to a desk, four templates, and one of moods beside it."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.conftest import sentence

TASK = """
family: retrieval
source: {path: desk, format: jsonl, files: {train: rows.jsonl}}
columns: {text: question, answer: answer}
options: {templates: desk/answers.jsonl, negatives: 1, top: 2}
splits: {validation: 0.2, test: 0.2}
cleaning: {}
max_length: 16
gate: {metric: recall_at_1, floor: 0.0, margin: 0.5}
example: {text: good plane}
"""
TEMPLATES = {"t2": "good plane", "t0": "bad train to paris", "t3": "late london", "t1": "early paris"}
"""Not in the order of their ids, nor of one length."""


def declare_desk(root: Path) -> None:
    """Make the tiny project below `root` one of these two tasks."""
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["tasks"] = {"desk": yaml.safe_load(TASK), "mood": params["tasks"]["mood"]}
    del params["tasks"]["mood"]["joint"]
    params["training"]["tokens"] = 2500
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    (root / "desk").mkdir()
    lines = [json.dumps({"id": i, "text": text}) for i, text in TEMPLATES.items()]
    (root / "desk/answers.jsonl").write_text("\n".join(lines))
    lines = [
        json.dumps({"question": f"{TEMPLATES[f't{n % 4}'].split()[0]} {sentence(n)}", "answer": f"t{n % 4}"})
        for n in range(100)
    ]
    (root / "desk/rows.jsonl").write_text("\n".join(lines))
