"""What the library `datasets` has saved or calls a data set is read by it: every split, shard, type and expression."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from components.errors import UserError
from tests.data.sources.huggingface.reading import records, texts
from tests.data.sources.remotes import services


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
    with pytest.raises(UserError, match="Dataset scripts are no longer supported"):
        records(tmp_path, files={"train": "train"})


def test_a_shard_that_is_gone(data, tmp_path: Path) -> None:
    data.save_to_disk(str(tmp_path), num_shards={"train": 2, "test": 1})
    next((tmp_path / "train").glob("data-00001*")).unlink()
    with pytest.raises(
        UserError, match=r"train: the library `datasets` cannot read it.*data-00001-of-00002\.arrow"
    ):
        records(tmp_path, files={"train": "train"})


DAY, NOON = dt.date(2026, 11, 28), dt.datetime(2026, 11, 28, 12, 0)
BERLIN = dt.datetime(2026, 11, 28, 13, 0, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))


def feature_types() -> list[tuple[Any, Any, Any]]:
    """(type, what is written with the library, what a record holds)."""
    from datasets import (
        Array2D,
        Array3D,
        ClassLabel,
        Json,
        LargeList,
        List,
        Sequence,
        Translation,
        TranslationVariableLanguages,
        Value,
    )

    mood = ClassLabel(names=["down", "up"])
    span = {"text": Value("string"), "mood": mood}
    return [
        (Value("string"), "a", "a"),
        (Value("large_string"), "ä", "ä"),
        (Value("string_view"), "a", "a"),
        (Value("binary"), b"a", "a"),  # a text
        (Value("binary"), b"\xff", b"\xff"),
        (Value("bool"), True, True),
        (Value("int8"), -1, -1),
        (Value("uint64"), 2**40, 2**40),
        (Value("float16"), 0.5, 0.5),
        (Value("float64"), 0.1, 0.1),
        (Value("decimal128(5, 2)"), Decimal("1.50"), Decimal("1.50")),
        (Value("date32"), DAY, DAY),
        (Value("date64"), DAY, DAY),
        (Value("timestamp[s]"), NOON, NOON),
        (Value("timestamp[ns]"), NOON, NOON),
        (Value("timestamp[us, tz=Europe/Berlin]"), NOON, BERLIN),
        (Value("time32[s]"), dt.time(1, 2), dt.time(1, 2)),
        (Value("duration[s]"), dt.timedelta(seconds=3), dt.timedelta(seconds=3)),
        (Value("null"), None, None),
        (mood, 1, "up"),
        (mood, "down", "down"),
        (mood, -1, None),
        (List(Value("string")), ["a", "b"], ["a", "b"]),
        (List(mood), [1, 0], ["up", "down"]),
        (List(List(mood)), [[1], []], [["up"], []]),
        (List(mood, length=2), [1, 0], ["up", "down"]),
        (LargeList(mood), [1], ["up"]),
        (Sequence(mood), [0], ["down"]),
        (
            Sequence(span),
            {"text": ["a"], "mood": [1]},
            {"text": ["a"], "mood": ["up"]},
        ),
        (List(span), [{"text": "a", "mood": 1}], [{"text": "a", "mood": "up"}]),
        (span, {"text": "a", "mood": 0}, {"text": "a", "mood": "down"}),
        ({"inner": span}, {"inner": {"text": "a", "mood": 0}}, {"inner": {"text": "a", "mood": "down"}}),
        (Translation(["de", "en"]), {"de": "ja", "en": "yes"}, {"de": "ja", "en": "yes"}),
        (
            TranslationVariableLanguages(["de", "en"]),
            {"en": ["yes", "aye"], "de": "ja"},
            {"language": ["de", "en", "en"], "translation": ["ja", "aye", "yes"]},
        ),
        (Array2D((2, 2), "int32"), [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        (Array3D((1, 1, 2), "float32"), [[[1.0, 2.0]]], [[[1.0, 2.0]]]),
        (Json(), {"a": [1, "b"]}, {"a": [1, "b"]}),
        (List(Json()), [{"a": 1}, {"b": "x"}], [{"a": 1}, {"b": "x"}]),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["saved to disk", "Parquet", "prepared"])
def test_every_type_that_the_library_knows_is_read(layout: str, tmp_path: Path) -> None:
    from datasets import Dataset, Features

    settings = {"huggingface": {"streaming": False}} if layout == "prepared" else {}
    for number, (kind, value, expected) in enumerate(feature_types()):
        folder = tmp_path / str(number)
        folder.mkdir()
        data = Dataset.from_dict({"x": [value, None]}, features=Features({"x": kind}))
        if layout == "saved to disk":
            data.save_to_disk(str(folder))
        else:
            data.to_parquet(str(folder / "train.parquet"))
        assert [record.values["x"] for record in records(folder, {"x": "x"}, **settings)] == [
            expected,
            None,
        ], kind


def test_an_image_is_its_bytes_and_is_not_looked_at(tmp_path: Path) -> None:
    from datasets import Dataset, Features, Image, Value

    image = {"bytes": b"not an image", "path": None}
    data = Dataset.from_dict(
        {"image": [image], "text": ["a"]}, features=Features({"image": Image(), "text": Value("string")})
    )
    data.to_parquet(str(tmp_path / "train.parquet"))
    (only,) = records(tmp_path, {"text": "text", "image": "image"})
    assert only.values == {"text": "a", "image": image}


def test_a_name_with_dots_reaches_a_nested_class(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features, Translation

    features = Features(
        {"about": {"mood": ClassLabel(names=["down", "up"])}, "translation": Translation(["de", "en"])}
    )
    rows = {"about": [{"mood": 1}], "translation": [{"de": "ja", "en": "yes"}]}
    Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path))
    (only,) = records(tmp_path, {"label": "about.mood", "text": "translation.de"})
    assert only.values == {"label": "up", "text": "ja"}


EXPRESSIONS = {
    "train[:2]": ["a0", "a1"],
    "train[-25%:]": ["a3"],
    "train[50%:75%]+test": ["a2", "b0", "b1"],
    "train": ["a0", "a1", "a2", "a3"],
}


@pytest.mark.slow
@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_split_may_be_an_expression_of_the_library(expression: str, saved: bool, tmp_path: Path) -> None:
    from datasets import Dataset, DatasetDict

    rows = {"train": [f"a{n}" for n in range(4)], "test": ["b0", "b1"]}
    data = DatasetDict({split: Dataset.from_dict({"text": each}) for split, each in rows.items()})
    if saved:
        data.save_to_disk(str(tmp_path))
    for split, each in data.items():
        if not saved:
            each.to_parquet(str(tmp_path / f"{split}.parquet"))
    found = texts(tmp_path, files={"train": expression, "test": "test"})
    assert [text for split, text in found if split == "train"] == EXPRESSIONS[expression]


def test_a_split_within_an_expression_that_is_not_there(folder: Path) -> None:
    with pytest.raises(UserError, match=r"no split 'tset'.*did you mean 'test'"):
        records(folder, files={"train": "train[:80%]+tset[:3]"})


@pytest.mark.parametrize("by", ["README.md", "params.yaml"])
def test_a_file_at_an_address_is_not_asked_for(by: str, tmp_path: Path) -> None:
    folder, web = tmp_path / "rows", tmp_path / "web"
    folder.mkdir()
    web.mkdir()
    (web / "train.csv").write_text("text\na\n")
    with services.web(web) as server:
        address = f"{server.address}/train.csv"
        if by == "README.md":
            declared = f"---\nconfigs:\n- config_name: default\n  data_files: {address}\n---\n"
            (folder / "README.md").write_text(declared)
        section = {"data_files": {"train": [address]}} if by == "params.yaml" else {}
        with pytest.raises(UserError, match=r"is elsewhere, and nothing is fetched.*under remotes"):
            texts(folder, huggingface=section)
        assert server.asked == []
