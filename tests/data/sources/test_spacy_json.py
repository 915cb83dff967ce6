"""spaCy's older training data: what is none is said of the row."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data.sources.formats.spacy_json import read_pairs
from components.data.sources.record import Unreadable
from components.settings.data import Source


@pytest.mark.parametrize("text", ['{"annotations": 3}', '{"annotations": "no"}', "{"])
def test_an_object_without_a_list_of_annotations_cannot_be_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(text)
    ((_, row),) = read_pairs(path, Source(path=str(path), format="spacy_json"))
    assert isinstance(row, Unreadable)
