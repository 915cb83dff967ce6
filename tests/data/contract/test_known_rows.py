"""What a release remembers of its rows. Synthetic rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components import families
from components.data.contract import known_rows
from components.errors import UserError

FAMILY = families.get("classification")


SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "text", "label")])


def write(folder: Path, **splits: list[tuple[str, str]]) -> Path:
    """data/<task> of these (text, label)."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, pairs in splits.items():
        rows = [
            {"id": str(number), "text": text, "label": label} for number, (text, label) in enumerate(pairs)
        ]
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / f"{split}.parquet")
    return folder


def test_a_text_is_known_whatever_its_case_and_punctuation_and_a_row_with_its_answer(tmp_path: Path) -> None:
    data = write(tmp_path / "mood", train=[("Good plane!", "up")], test=[("late", "down"), ("late", "up")])
    known_rows.write(tmp_path / "rows", {"mood": known_rows.known_rows(data, FAMILY)})
    found = (known_rows.read(tmp_path / "rows") or {})["mood"]
    asked = known_rows.of_texts([{"text": "good  PLANE"}, {"text": "good train"}], FAMILY)
    assert np.isin(asked, found.train_N).tolist() == [True, False]
    relabelled = write(tmp_path / "new/mood", train=[], test=[("late", "down"), ("late", "left")])
    assert np.isin(known_rows.test_rows(relabelled), found.test_N).sum() == 1


def test_the_file_takes_eight_bytes_a_row_and_is_the_same_for_rows_in_another_order(tmp_path: Path) -> None:
    rows = [(f"text {n}", "up") for n in range(5000)]
    for name, some in (("a", rows), ("b", rows[::-1])):
        data = write(tmp_path / name / "mood", train=some, test=rows[:3])
        known_rows.write(tmp_path / f"{name}.rows", {"mood": known_rows.known_rows(data, FAMILY)})
    assert (tmp_path / "a.rows").read_bytes() == (tmp_path / "b.rows").read_bytes()
    assert (tmp_path / "a.rows").stat().st_size < 5003 * 8 + 300


def test_a_release_of_before_knows_nothing_and_a_torn_file_is_one_sentence(tmp_path: Path) -> None:
    assert known_rows.read(tmp_path / "rows") is None
    (tmp_path / "rows").write_bytes(b"torn")
    with pytest.raises(UserError, match="rows: cannot be read"):
        known_rows.read(tmp_path / "rows")
