"""Folders that the `datasets` library writes are read without it; a loading script is never run."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data.sources.formats import read
from components.errors import UserError
from components.settings.data import Source

COLUMNS = {"tokens": "tokens", "tags": "tags", "label": "label"}


def records(path: Path, columns: dict[str, str] = COLUMNS, **source):
    return list(read(Source(path=str(path), format="huggingface", **source), columns))


@pytest.fixture(scope="module")
def data():
    """Synthetic: class numbers as the hub's data sets have them, -1 where a test hides its label."""
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value

    features = Features(
        {
            "tokens": Sequence(Value("string")),
            "tags": Sequence(ClassLabel(names=["O", "B-PER"])),
            "label": ClassLabel(names=["down", "up"]),
        }
    )
    rows = {
        split: [{"tokens": [split, str(n)], "tags": [0, 1], "label": n % 2} for n in range(5)]
        for split in ("train", "test")
    }
    rows["test"][0]["label"] = -1
    return DatasetDict({split: Dataset.from_list(each, features=features) for split, each in rows.items()})


@pytest.fixture(params=["saved to disk", "Parquet", "Parquet in data", "Parquet folders"])
def folder(data, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same data set in each layout."""
    if request.param == "saved to disk":
        data.save_to_disk(str(tmp_path), num_shards={"train": 2, "test": 1})
        return tmp_path
    for split, rows in data.items():
        for shard in range(2):
            name = f"{split}-{shard:05}-of-00002.parquet"
            below = {
                "Parquet": name,
                "Parquet in data": f"data/{name}",
                "Parquet folders": f"{split}/{shard}.parquet",
            }
            file = tmp_path / below[request.param]
            file.parent.mkdir(parents=True, exist_ok=True)
            rows.shard(2, shard, contiguous=True).to_parquet(str(file))
    return tmp_path


def test_every_split_and_shard_is_read_with_the_names_of_its_classes(folder: Path) -> None:
    found = records(folder, files={"train": "train", "test": "test"})
    assert [(r.split, r.values["tokens"]) for r in found] == [
        (split, [split, str(n)]) for split in ("train", "test") for n in range(5)
    ]
    assert [r.values["label"] for r in found] == [
        "down",
        "up",
        "down",
        "up",
        "down",
        None,
        "up",
        "down",
        "up",
        "down",
    ]
    assert found[0].values["tags"] == ["O", "B-PER"]


def test_a_split_that_is_not_there(folder: Path) -> None:
    with pytest.raises(UserError, match=r"no split 'trian'.*did you mean 'train'.*found test, train"):
        records(folder, files={"train": "trian"})


def test_splits_must_be_named(data, tmp_path: Path) -> None:
    data.save_to_disk(str(tmp_path))
    with pytest.raises(UserError, match=r"found test, train; name its splits in source\.files"):
        records(tmp_path)


def test_a_loading_script_is_not_run(tmp_path: Path) -> None:
    (tmp_path / f"{tmp_path.name}.py").write_text("raise SystemExit('run')")
    with pytest.raises(UserError, match=r"found none \(a loading script is never run\)"):
        records(tmp_path, files={"train": "train"})


def test_a_shard_that_is_gone(data, tmp_path: Path) -> None:
    data.save_to_disk(str(tmp_path), num_shards={"train": 2, "test": 1})
    next((tmp_path / "train").glob("data-00001*")).unlink()
    with pytest.raises(UserError, match="data-00001-of-00002.arrow, after row 3: not a whole Arrow file"):
        records(tmp_path, files={"train": "train"})
