"""Files are whole or absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.errors import UserError
from components.files import atomic_file, atomic_folder, read_json, verify_manifest, write_json


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "f") as folder:
        (folder / "x").write_text("old")
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "f") as folder:
        (folder / "x").write_text("new")
        raise RuntimeError
    assert (tmp_path / "f/x").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    verify_manifest(tmp_path / "f")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda file: file.unlink(), "missing"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "truncated"),
        (lambda file: file.write_bytes(b"X" + file.read_bytes()[1:]), "altered"),
    ],
)
def test_a_damaged_file_is_found_out(tmp_path: Path, damage, expected: str) -> None:
    with atomic_folder(tmp_path / "f") as folder:
        (folder / "x").write_text("content")
    damage(tmp_path / "f/x")
    with pytest.raises(UserError, match=expected):
        verify_manifest(tmp_path / "f")


def test_json_refuses_nan_and_names_a_broken_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not (tmp_path / "a.json").exists()
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(UserError, match=r"b\.json: not JSON"):
        read_json(tmp_path / "b.json")
    write_json(tmp_path / "c.json", {"ü": 1})
    assert json.loads((tmp_path / "c.json").read_text()) == {"ü": 1}
