"""Which cache is a project's, what of it is copied, and into which place: without git and without DVC."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.errors import UserError
from components.release import checkout, dvc_cache
from tests.release import bentos


def kept(cache: Path, entries: dict[str, str]) -> str:
    """The hash of a folder that a cache has: path -> the hash of its file."""
    listing = json.dumps([{"relpath": path, "md5": md5} for path, md5 in entries.items()]).encode()
    return bentos._keep(cache / "files/md5", listing, ".dir") + ".dir"


def test_what_is_said_for_a_machine_alone_counts_more_than_what_git_holds(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    assert dvc_cache.place(tmp_path) == tmp_path / ".dvc/cache"
    for name, said in (("config", "../shared"), ("config.local", "/mine")):
        (tmp_path / ".dvc" / name).write_text(f"[cache]\n    dir = {said}\n")
        assert dvc_cache.place(tmp_path) == tmp_path / ".dvc" / said


def test_a_folder_is_copied_whole_or_it_is_said_that_it_is_not_there(tmp_path: Path) -> None:
    cache, target = tmp_path / "cache", tmp_path / "target"
    rows = bentos._keep(cache / "files/md5", b"rows")
    oid = kept(cache, {"a/rows": rows})
    dvc_cache.copy(cache, oid, target)
    assert (target / "a/rows").read_bytes() == b"rows"
    dvc_cache.file_of(cache, rows).unlink()
    for gone in (oid, "0" * 32 + ".dir"):
        with pytest.raises(UserError, match=f"cache: does not have all of {gone}"):
            dvc_cache.copy(cache, gone, tmp_path / "again")


@pytest.mark.parametrize("name", ["/etc/rows", "../rows", "a/../../rows"])
def test_a_file_outside_of_the_folder_is_not_written(tmp_path: Path, name: str) -> None:
    cache = tmp_path / "cache"
    oid = kept(cache, {name: bentos._keep(cache / "files/md5", b"rows")})
    with pytest.raises(UserError, match=f"names {name} .*which is no file of the folder that it lists"):
        dvc_cache.copy(cache, oid, tmp_path / "target")


def test_who_is_later_leaves_the_copy_of_who_was_quicker(tmp_path: Path) -> None:
    made, folder = tmp_path / "made", tmp_path / "folder"
    for place in (made, folder):
        place.mkdir()
        (place / "by").write_text(place.name)
    checkout._put_in_place(made, folder)
    assert (folder / "by").read_text() == "folder"
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        checkout._put_in_place(made, tmp_path / "file")
