"""Files that go together line by line, and files of one class each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.data.sources.formats import rows
from components.data.sources.formats.line_files import class_files, is_parallel, parallel_files
from components.errors import UserError
from components.settings.data import Source


def read(path: Path, form: str) -> list[Any]:
    return [fields for _, fields in rows(path, Source(path=str(path), format=form))]


def written(folder: Path, *names: str, **texts: str) -> Path:
    """A folder of files of these names, of two lines, and of these texts (`__` is a point)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**dict.fromkeys(names, "one\ntwo\n"), **texts}.items():
        (folder / name.replace("__", ".")).write_bytes(text.encode())
    return folder


def test_a_carriage_return_within_a_line_ends_no_line(tmp_path: Path) -> None:
    written(tmp_path, train__en="a\rb\nc\r\n", train__de="x\ny\rz\n")
    assert read(tmp_path / "train.en", "parallel") == [{"de": "x", "en": "a\rb"}, {"de": "y\rz", "en": "c"}]
    written(tmp_path / "classes", x__pos="a\rb\r\n", x__neg="c\n")
    assert [row["text"] for row in read(tmp_path / "classes", "class_files")] == ["c", "a\rb"]


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    ("form", "path"), [("parallel", "train.pos"), ("parallel", "train.neg"), ("class_files", ".")]
)
def test_a_pointer_in_the_place_of_one_of_several_files_is_refused(
    tmp_path: Path, form: str, path: str
) -> None:
    written(tmp_path, train__pos="a\nb\nc\n", train__neg=POINTER)
    with pytest.raises(UserError, match=r"train\.neg: it is a pointer of git-lfs"):
        read(tmp_path / path, form)


def test_norwegian_is_a_language(tmp_path: Path) -> None:
    written(tmp_path, "train.no", "train.en")
    assert is_parallel(tmp_path / "train.no")
    written(tmp_path / "classes", "train.no", "train.yes")
    assert not is_parallel(tmp_path / "classes/train.no")


STRANGERS = ("jsonl", "ndjson", "parquet", "xlsx", "html", "pkl", "bak", "en~", "GZ")


def test_files_of_other_kinds_are_no_columns(tmp_path: Path) -> None:
    written(tmp_path, "train", "train.en", "train.pt", *(f"train.{ending}" for ending in STRANGERS))
    assert set(parallel_files(tmp_path / "train.en")) == {"en", "pt"}
    written(tmp_path / "plain", "train_text.txt", "train_labels.txt", "train")
    assert set(parallel_files(tmp_path / "plain/train_text.txt")) == {"text", "labels"}


def test_a_class_is_what_its_file_s_name_has_alone(tmp_path: Path) -> None:
    written(tmp_path, "plot.tok.gt9.5000", "quote.tok.gt9.5000", "subjdata.README.1.0")
    assert set(class_files(tmp_path)) == {"plot", "quote"}
    written(tmp_path / "both", "a-pos-x.txt", "a-neg-x.txt", "my_licence.txt")
    assert set(class_files(tmp_path / "both")) == {"pos", "neg"}


@pytest.mark.parametrize("form", ["class_files", "class_folders"])
def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path, form: str) -> None:
    written(tmp_path, "rows.pos")
    with pytest.raises(UserError, match=r"rows\.pos: a file, expected the folder with"):
        read(tmp_path / "rows.pos", form)
