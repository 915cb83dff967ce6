"""Bytes that are gone come back from DVC; altered ones are never opened."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from components.errors import UserError
from components.files import write_manifest
from components.release import checkout, registry
from components.release.registry import WEIGHTS, champion, open_champion
from tests.release.bentos import manifest_of, release
from tests.release.registry.asked import hash_of

pytestmark = pytest.mark.slow  # each makes a repository and releases: dozens of git processes


def test_bytes_that_are_gone_come_back_from_dvcs_cache(two: Path) -> None:
    shutil.rmtree(two / ".onetrunk")
    found = registry.read(two)
    assert found.champion
    folder = found.folder(found.champion)
    assert manifest_of(folder) == found.champion.record.manifest
    (folder / WEIGHTS).write_text("x")
    assert manifest_of(found.folder(found.champion)) == found.champion.record.manifest
    assert (folder / WEIGHTS).read_text() == "b"
    (folder / "src/torch.py").write_text("which Python would find first")
    assert not (found.folder(found.champion) / "src/torch.py").exists()


@pytest.mark.slow
def test_bytes_that_are_nowhere_are_never_no_champion(two: Path) -> None:
    found = champion(hash_of("new"), two)
    assert found is not None
    shutil.rmtree(two / ".onetrunk")
    shutil.rmtree(two / ".dvc/cache")
    with pytest.raises(
        UserError, match=r"^release v1\.0\.1 \(bundle b\): neither DVC's cache nor its remote has"
    ):
        open_champion(found, two)
    assert not list((two / ".onetrunk/releases").glob("*"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to another user")
def test_bytes_of_another_users_repository_are_one_sentence_that_says_how_git_may_read_it(
    two: Path,
) -> None:
    """As root in a container meets the project of the machine's user."""
    found = champion(hash_of("new"), two)
    assert found is not None
    for folder in (".onetrunk", ".dvc/cache"):
        shutil.rmtree(two / folder)
    for path in [two, *two.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    with pytest.raises(UserError, match=rf"another user's, .*--add safe\.directory {two}`"):
        open_champion(found, two)


def test_bytes_with_a_file_more_are_not_opened(project: Path) -> None:
    """Python would find a module of that name first."""
    release(project, "a")
    found = registry.read(project)
    assert found.champion

    def fill(target: Path) -> None:
        shutil.copytree(project / "bento", target)
        (target / "src/torch.py").write_text("x")

    shutil.rmtree(folder := project / ".onetrunk/releases/a")
    with pytest.raises(UserError, match=r"src/torch\.py: not a file of release v1\.0\.0"):
        checkout.put(found.git, found.champion.record, fill)
    assert not folder.exists()


def test_altered_bytes_are_not_opened(two: Path) -> None:
    found = champion(hash_of("new"), two)
    assert found is not None
    folder = open_champion(found, two).parents[1]
    for file in (two / ".dvc/cache").rglob("*"):
        if file.is_file() and file.read_bytes() == b"b":
            file.write_bytes(b"y")
    (folder / WEIGHTS).write_text("y")
    write_manifest(folder)  # whoever alters the manifest too
    with pytest.raises(UserError, match="neither DVC's cache nor its remote has its bytes"):
        open_champion(found, two)
    assert not folder.exists()
