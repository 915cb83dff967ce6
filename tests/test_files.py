"""Files are whole or absent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import UserError, first_line
from components.files import (
    MANIFEST,
    SIGNATURE,
    atomic_file,
    atomic_folder,
    read_json,
    strangers,
    sweep,
    verify_manifest,
    write_json,
    write_manifest,
)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could leave the name with half the bytes, or neither."""
    target = tmp_path / "a.txt"
    flushed: list[tuple[int, bool]] = []
    monkeypatch.setattr(
        os, "fsync", lambda number: flushed.append((os.fstat(number).st_ino, target.exists()))
    )
    with atomic_file(target) as temporary:
        temporary.write_text("new")
    assert flushed == [(target.stat().st_ino, False), (tmp_path.stat().st_ino, True)]


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


def test_a_manifest_that_is_none_or_names_what_no_file_is_called_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"files": {"n" * 5000: {"bytes": 1, "sha256": ""}}}))
    with pytest.raises(UserError, match=r"nnn: missing, but .*manifest\.json names it$"):
        verify_manifest(tmp_path)
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(UserError, match=r"manifest\.json: a folder; expected a file$"):
        verify_manifest(tmp_path)


def test_json_refuses_nan_and_names_a_broken_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not (tmp_path / "a.json").exists()
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(UserError, match=r"b\.json: not JSON"):
        read_json(tmp_path / "b.json")
    write_json(tmp_path / "c.json", {"ü": 1})
    assert json.loads((tmp_path / "c.json").read_text()) == {"ü": 1}


KILLED = """
import os, signal, sys
from pathlib import Path
from components.files import atomic_file, atomic_folder
make, path = {"file": atomic_file, "folder": atomic_folder}[sys.argv[1]], Path(sys.argv[2])
with make(path) as temporary:
    (temporary if sys.argv[1] == "file" else temporary / "part").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_has_half_written_is_swept(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "encoded/people"
    root = Path(__file__).parent.parent
    subprocess.run([sys.executable, "-c", KILLED, kind, target], cwd=root)
    (litter,) = target.parent.iterdir()
    assert sweep(tmp_path) == [litter]
    assert not any(target.parent.iterdir())


def test_a_killed_process_that_nobody_has_waited_for_yet_protects_nothing(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    litter = tmp_path / f".people.{child.pid}.onetrunk.tmp"
    litter.touch()
    try:
        assert sweep(tmp_path) == [litter]
    finally:
        child.wait()


def test_what_a_living_process_writes_and_what_is_the_users_is_not_swept(tmp_path: Path) -> None:
    for name in (".notes.tmp", ".people.1234.tmp", "people.onetrunk.tmp", ".hidden/.a.999999.onetrunk.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    with atomic_folder(tmp_path / "folder") as folder, atomic_file(tmp_path / "file") as file:
        (folder / "part").write_text("whole")
        file.write_text("whole")
        assert sweep(tmp_path) == []
    assert (tmp_path / "folder/part").exists()
    assert (tmp_path / "file").exists()


def test_a_process_that_has_the_number_of_a_dead_one_protects_nothing(tmp_path: Path) -> None:
    litter = tmp_path / f".people.{os.getpid()}.onetrunk.tmp"
    litter.write_text("half")
    os.utime(litter, (1, 1))  # long before this process began
    assert sweep(tmp_path) == [litter]


def test_a_link_that_a_killed_process_has_left_is_swept_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    (tmp_path / "folder").mkdir()
    litter = tmp_path / f".logs.{dead.pid}.onetrunk.tmp"
    litter.symlink_to("folder")
    assert sweep(tmp_path) == [litter]
    assert (tmp_path / "folder").is_dir()


def test_a_folder_within_has_a_manifest_of_its_own_and_is_written_anew(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with atomic_folder(tmp_path / "release") as folder:
            with atomic_folder(folder / "model") as within:
                (within / "weights").write_text(text)
            (folder / "card").write_text(text)
    assert (tmp_path / "release/model/weights").read_text() == "two"


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000, b"\xff", b""])
def test_what_is_no_json_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    """Also where it is nested deeper than Python reads."""
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match=r"^.*/a\.json: not JSON \(.*\)$"):
        read_json(tmp_path / "a.json")


def test_an_error_without_words_is_named() -> None:
    assert [first_line(one) for one in (MemoryError(), ValueError(" \n"), OSError("full\nwholly"))] == [
        "MemoryError", "ValueError", "full"
    ]  # fmt: skip


def test_what_python_and_file_managers_leave_is_in_no_manifest_and_may_go(tmp_path: Path) -> None:
    (tmp_path / "src/__pycache__").mkdir(parents=True)
    passing = [tmp_path / "src/__pycache__/a.cpython-311.pyc", tmp_path / "src/.DS_Store"]
    for file in (tmp_path / "src/a.py", *passing):
        file.write_text(file.name)
    write_manifest(tmp_path)
    for file in passing:
        file.unlink()
    assert set(verify_manifest(tmp_path)["files"]) == {"src/a.py"}
    assert strangers(tmp_path) == []


def test_the_manifest_of_a_signed_folder_is_the_one_that_was_signed(tmp_path: Path) -> None:
    """The signature covers the manifest, which is written before it and may be written again."""
    (tmp_path / "a").write_text("a")
    write_manifest(tmp_path)
    signed = (tmp_path / MANIFEST).read_bytes()
    (tmp_path / SIGNATURE).write_text("of the manifest")
    write_manifest(tmp_path)
    assert (tmp_path / MANIFEST).read_bytes() == signed
    assert strangers(tmp_path) == []


def test_each_other_file_is_named_and_missed(tmp_path: Path) -> None:
    (tmp_path / "a.pyc").write_text("a module without its source")
    write_manifest(tmp_path)
    (tmp_path / "a.pyc").unlink()
    with pytest.raises(UserError, match="a.pyc: missing, but"):
        verify_manifest(tmp_path)
