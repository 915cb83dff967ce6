"""Any task's data open with one line of the library `datasets`, as docs/how-to/data.md says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from components.files import read_json
from tests.scripts import ROOT

PAGE = (ROOT / "docs/how-to/data.md").read_text(encoding="utf-8")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library's, in place of the one below the home folder."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("cache")
def test_the_lines_of_the_page_open_a_tasks_data(shared_project: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "data.md", "exec"), names)  # noqa: S102
    for found, split in ((names["moods"], "train"), (names["test"], "test")):
        assert found.to_list() == pq.read_table(shared_project / f"data/mood/{split}.parquet").to_pylist()


def test_every_tasks_folder_is_a_data_set_with_its_three_splits(shared_project: Path, cache: Path) -> None:
    from datasets import Value, load_dataset

    folders = sorted((shared_project / "data").iterdir())
    assert len(folders) == 3
    for folder in folders:
        found = load_dataset(str(folder), cache_dir=str(cache))
        assert {split: rows.num_rows for split, rows in found.items()} == read_json(folder / "task.json")[
            "rows"
        ]
        assert found["train"].features["id"] == Value("string")
