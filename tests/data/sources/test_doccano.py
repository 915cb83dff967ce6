"""doccano's exports, and what may stand beside what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.data.sources.formats import rows
from components.settings.data import Source


@pytest.mark.parametrize("other", ["none", 2, [{"label": "x"}]])
def test_a_field_of_another_kind_is_not_taken_for_spans(tmp_path: Path, other: Any) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "Ann is in", "label": [[0, 3, "PER"]], "spans": other}))
    ((_, row),) = rows(path, Source(path=str(path), format="doccano"))
    assert [span["type"] for span in row["spans"]] == ["PER"]
    path.write_text(json.dumps({"text": "Ann is in", "label": ["x"], "spans": other}))
    ((_, row),) = rows(path, Source(path=str(path), format="doccano"))
    assert (row["spans"], row["label"]) == ([], "x")
