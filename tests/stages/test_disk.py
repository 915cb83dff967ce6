"""A stage that meets a full disk ends with one sentence, whichever library met it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.errors import UserError, disk_sentence
from components.files import read_json
from tests import disks

ROOT = Path(__file__).parents[2]
WRITES = {
    "text": 'Path("a").write_text("x" * SIZE)',
    "our own file": "atomic_text(SIZE)",
    "a copy of a folder": 'shutil.copytree(sys.argv[1], "copy")',
    "a copy of a file": 'shutil.copy(sys.argv[1] + "/big", "copy")',
    "Arrow": 'import pyarrow as pa; arrow(pa, "a.arrow")',
    "Parquet": 'import pyarrow as pa, pyarrow.parquet as pq; pq.write_table(table(pa), "a.parquet", compression=None)',
    "polars": 'import polars; polars.DataFrame({"a": list(range(SIZE))}).write_parquet("p", compression="uncompressed")',
    "safetensors": 'import numpy; from safetensors.numpy import save_file; save_file({"a": numpy.zeros(SIZE)}, "s")',
    "SQLite": 'import sqlite3; sql(sqlite3.connect("a.db"))',
    "a folder's name": "names(SIZE)",
}
STAGE = """
import json, shutil, sys
from pathlib import Path
from components.files import atomic_file
from components.stages import run
SIZE = 1_000_000

def table(pa):
    return pa.table({"a": list(range(SIZE))})

def arrow(pa, name):
    with pa.OSFile(name, "wb") as sink, pa.ipc.new_file(sink, table(pa).schema) as writer:
        writer.write_table(table(pa))

def atomic_text(size):
    with atomic_file(Path("own")) as temporary:
        temporary.write_text("x" * size)

def sql(connection):
    connection.execute("create table t (a)")
    connection.executemany("insert into t values (?)", [("x" * 1000,)] * 1000)
    connection.commit()

def names(size):
    for number in range(size):
        Path(f"folder-{number}").mkdir()

def main(source):
    ACT

run(main)
"""


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB and 40 names."""
    with disks.small(tmp_path / "small", "size=64k,nr_inodes=40") as folder:
        yield folder


@pytest.mark.slow_after(2)
@pytest.mark.parametrize("act", WRITES.values(), ids=WRITES.keys())
def test_a_full_disk_is_one_sentence(full: Path, tmp_path: Path, act: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "big").write_bytes(b"x" * 1_000_000)
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + STAGE.replace("ACT", act)
    result = subprocess.run([sys.executable, "-c", code, source], cwd=full, capture_output=True, text=True)
    assert result.returncode == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert result.stderr.startswith("error: ")
    assert "no space is left on the disk; free some" in result.stderr
    assert not list(full.glob(".own.*"))


def test_a_bug_beside_the_disk_keeps_its_traceback() -> None:
    assert disk_sentence(KeyError("space")) is None
    assert disk_sentence(FileNotFoundError(2, "No such file or directory", "a")) is None


def test_a_folder_for_a_file_and_a_file_for_a_folder_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("{}")
    for place, sentence in (
        (tmp_path, "a folder; expected a file"),
        (tmp_path / "file/x", "stands in the way"),
    ):
        with pytest.raises(OSError, match="directory") as raised:
            place.read_text()
        assert sentence in str(disk_sentence(raised.value))
        with pytest.raises(UserError) as refused:
            read_json(place)
        assert str(refused.value) == disk_sentence(raised.value)


def test_names_that_are_too_long_and_links_in_a_circle_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("link")
    for name, sentence in (
        ("x" * 300, "a longer name than this system allows"),
        ("link", "links that lead to one another; expected a file or a folder"),
    ):
        with pytest.raises(OSError, match="too long|symbolic links") as raised:
            (tmp_path / name).read_text()
        assert disk_sentence(raised.value) == f"{tmp_path / name}: {sentence}"
