"""What the library `datasets` calls a data set is read by it: nothing is fetched, no script is run."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
import zoneinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from components.data.sources.formats import read
from components.errors import UserError
from components.settings.data import Source
from tests.data.sources.remotes import services
from tests.scripts import ROOT

COLUMNS = {"tokens": "tokens", "tags": "tags", "label": "label"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library prepares what it must below the current folder."""
    monkeypatch.chdir(tmp_path_factory.mktemp("project"))


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
    with pytest.raises(UserError, match="Dataset scripts are no longer supported"):
        records(tmp_path, files={"train": "train"})


def test_a_shard_that_is_gone(data, tmp_path: Path) -> None:
    data.save_to_disk(str(tmp_path), num_shards={"train": 2, "test": 1})
    next((tmp_path / "train").glob("data-00001*")).unlink()
    with pytest.raises(
        UserError, match=r"train: the library `datasets` cannot read it.*data-00001-of-00002\.arrow"
    ):
        records(tmp_path, files={"train": "train"})


def texts(path: Path, **source: Any) -> list[Any]:
    return [(record.split, record.values["text"]) for record in records(path, {"text": "text"}, **source)]


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


@pytest.mark.parametrize("streaming", [True, False, None])
def test_a_builder_reads_the_files_that_are_named(streaming: bool | None, tmp_path: Path) -> None:
    for name in ("one", "two", "other"):
        (tmp_path / f"{name}.txt").write_text(json.dumps({"text": name}) + "\n")
    section = {"builder": "json", "data_files": {"train": ["one.txt", "two.txt"]}, "streaming": streaming}
    assert texts(tmp_path, huggingface=section) == [(None, "one"), (None, "two")]
    source = Source(path=str(tmp_path / "one.txt"), huggingface={"builder": "json"})
    assert source.format == "huggingface"
    assert [record.values["text"] for record in read(source, {"text": "text"})] == ["one"]


def test_a_configuration_of_a_folder_is_chosen_by_its_name(tmp_path: Path) -> None:
    configs = "".join(f"- config_name: {name}\n  data_files: {name}/*.csv\n" for name in ("de", "en"))
    (tmp_path / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    for name in ("de", "en"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rows.csv").write_text(f"text\n{name}\n")
    assert texts(tmp_path, huggingface={"config": "en"}) == [(None, "en")]
    with pytest.raises(UserError, match=r"Config name is missing.*'de', 'en'"):
        texts(tmp_path)


def test_a_stream_is_not_cut(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text\na\n")
    with pytest.raises(UserError, match=r"'train\[:2\]' is a part of a data set, and a stream is read whole"):
        texts(tmp_path, files={"train": "train[:2]"}, huggingface={"streaming": True})


def test_files_with_types_are_read_where_they_are_and_others_prepared_in_the_project(tmp_path: Path) -> None:
    from datasets import Dataset

    (tmp_path / "parquet").mkdir()
    (tmp_path / "csv").mkdir()
    Dataset.from_dict({"text": ["a"]}).to_parquet(str(tmp_path / "parquet/train.parquet"))
    (tmp_path / "csv/train.csv").write_text("text\na\n")
    cache = Path(".onetrunk/datasets")
    assert texts(tmp_path / "parquet") == [(None, "a")]
    assert not list(cache.rglob("*.arrow"))
    assert texts(tmp_path / "csv") == [(None, "a")]
    assert list(cache.rglob("*.arrow"))
    (tmp_path / "csv/train.csv").write_text("text\nb\n")
    assert texts(tmp_path / "csv") == [(None, "b")]


def test_a_table_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the files' own batches are, no more rows than these are Python's at once."""
    from datasets import Dataset

    from components.data.sources.formats import columnar, huggingface

    Dataset.from_dict({"text": [str(n) for n in range(10)]}).to_parquet(str(tmp_path / "train.parquet"))
    for streaming in (True, False):
        source = Source(path=str(tmp_path), huggingface={"streaming": streaming})
        sizes = [len(table) for table, _ in huggingface.tables(tmp_path, source, 4)]
        assert sizes == [4, 4, 2]
    monkeypatch.setattr(columnar, "BATCH", 4)
    assert [text for _, text in texts(tmp_path)] == [str(n) for n in range(10)]


@pytest.mark.slow
def test_a_row_group_is_not_read_at_once(tmp_path: Path) -> None:
    """Parquet writers make groups as large as they like; the whole of this one takes 60 MB."""
    from components.data.sources.formats import huggingface

    table = pa.table({"text": [f"{n:06}" + "x" * 1000 for n in range(60_000)]})
    pq.write_table(table, tmp_path / "train.parquet", row_group_size=len(table))
    before = pa.total_allocated_bytes()
    piece, _ = next(huggingface.tables(tmp_path, Source(path=str(tmp_path), format="huggingface"), 1000))
    assert len(piece) == 1000
    assert pa.total_allocated_bytes() - before < 20e6


def test_types_that_the_folders_readme_declares_hold(tmp_path: Path) -> None:
    classes = "class_label: {names: {'0': down, '1': up}}"
    (tmp_path / "README.md").write_text(
        f"---\ndataset_info:\n  features:\n  - name: label\n    dtype: {{{classes}}}\n---\n"
    )
    pq.write_table(pa.table({"label": [1, 0]}), tmp_path / "train.parquet")
    assert [record.values["label"] for record in records(tmp_path, {"label": "label"})] == ["up", "down"]


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


def test_a_file_beside_the_source_would_change_unseen(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "train.csv").write_text("text\na\n")
    with pytest.raises(UserError, match="is not below it, and a change of it would go unseen"):
        texts(tmp_path / "rows", huggingface={"data_files": "../train.csv"})


def test_pickles_are_not_loaded(tmp_path: Path) -> None:
    """Neither as data frames nor within archives, whatever the library itself would allow."""
    import pickle
    import tarfile

    class Bomb:
        def __reduce__(self) -> Any:
            return (os.mkdir, (str(tmp_path / "loaded"),))

    for name in ("frame", "archive"):
        (tmp_path / name).mkdir()
    (tmp_path / "frame/train.pkl").write_bytes(pickle.dumps(Bomb()))
    (tmp_path / "0.pyd").write_bytes(pickle.dumps(Bomb()))
    with tarfile.open(tmp_path / "archive/train.tar", "w") as archive:
        archive.add(tmp_path / "0.pyd", "0.pyd")
    with pytest.raises(UserError, match="cannot read it .No .supported. data files found"):
        texts(tmp_path / "frame")
    with pytest.raises(UserError, match="those of the builder 'webdataset', expected one of arrow, conll"):
        texts(tmp_path / "archive")
    with pytest.raises(ValueError, match=r"builder\n.*Input should be"):
        Source(path=str(tmp_path), huggingface={"builder": "pandas"})
    assert not (tmp_path / "loaded").exists()


@pytest.mark.slow
def test_another_project_and_the_home_folder_are_left_alone(tmp_path: Path) -> None:
    """The library writes below the project and nowhere else, and brings no torch, in a process of its
    own: it reads its settings at import."""
    from datasets import Dataset

    (tmp_path / "rows").mkdir()
    (tmp_path / "rows/train.csv").write_text("text\na\n")
    (stream := tmp_path / "stream").mkdir()
    Dataset.from_dict({"text": ["a"]}).to_parquet(str(stream / "train.parquet"))
    (tmp_path / "home").mkdir()
    code = (
        "import sys; from components.environment import quiet; quiet()\n"
        "from components.data.sources.formats import read; from components.settings.data import Source\n"
        "for path in sys.argv[1:]: print(*read(Source(path=path, format='huggingface'), {'text': 'text'}))\n"
        "print('torch' in sys.modules)"
    )
    home = {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        command = [sys.executable, "-c", code, str(tmp_path / "rows"), str(tmp_path / "stream")]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        done = subprocess.run(
            command, cwd=tmp_path / name, env={**environment, **home}, capture_output=True, text=True
        )
        assert done.stdout.count("values={'text': 'a'}") == 2, done.stderr
        assert (done.stdout.splitlines()[-1], done.stderr) == ("False", "")
        assert list((tmp_path / name / ".onetrunk/datasets").rglob("*.arrow"))
    assert list((tmp_path / "home").rglob("*")) == []


SAID = [
    ({"revision": "v1"}, r"`revision` stands elsewhere: write remotes\.NAME\.revision"),
    ({"split": "train"}, r"`split` stands elsewhere: write source\.files"),
    ({"path": "team/reviews"}, r"`path` stands elsewhere: write source\.path"),
    ({"name": "default"}, "`config` here"),
]


@pytest.mark.parametrize(("section", "sentence"), SAID)
def test_what_stands_elsewhere_is_said(section: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Source(path="rows", huggingface=section)


def test_a_section_of_another_format(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="says how that format is read, and the format is csv"):
        Source(path="rows.csv", format="csv", huggingface={"config": "default"})


def test_the_documentations_source_is_valid() -> None:
    page = (ROOT / "docs/how-to/data.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(source:\n[^`]*huggingface:.*?)```", page, re.DOTALL)
    source = Source.model_validate(yaml.safe_load(block)["source"])
    assert (source.format, source.huggingface.config) == ("huggingface", "de")
