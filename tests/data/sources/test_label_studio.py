"""What JSON-MIN does not say: which of its columns is the text."""

from __future__ import annotations

import json
from pathlib import Path

from components.data.sources.formats.label_studio import read_label_studio
from components.settings.data import Source


def test_a_short_text_among_long_ones_is_no_class(tmp_path: Path) -> None:
    reviews = ["good", "a review that has more words than any class", "so so"]
    tasks = [{"id": n, "annotation_id": n, "review": one, "mood": "up"} for n, one in enumerate(reviews)]
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(tasks))
    found = [fields for _, fields in read_label_studio(path, Source(path=str(path), format="label_studio"))]
    assert [(row["review"], row["label"], row["labels"]) for row in found] == [
        (review, "up", ["up"]) for review in reviews
    ]
