"""Files are read by a builder of `datasets`: nothing is fetched, no script is run, no pickle is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.data.sources.formats import read
from components.errors import UserError
from components.settings.data import Source
from tests.data.sources.huggingface.reading import records, texts
from tests.scripts import ROOT


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
