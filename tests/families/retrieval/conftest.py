"""A file of answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.families.retrieval.answers import ANSWERS


@pytest.fixture
def templates(tmp_path: Path) -> str:
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(json.dumps({"id": i, "text": text}) for i, text in ANSWERS.items()))
    return str(path)
