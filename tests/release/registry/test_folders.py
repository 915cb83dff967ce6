"""A project in a folder of a repository has releases of its own."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from components.errors import UserError
from components.release import registry, tags
from tests.release.bentos import git, release, repository
from tests.release.registry.asked import served

pytestmark = pytest.mark.slow  # each makes a repository and releases: dozens of git processes


def test_a_project_in_a_folder_of_a_repository_has_releases_of_its_own(tmp_path: Path) -> None:
    top = repository(tmp_path / "top")
    release(top, "a")
    below = top / "below it"
    shutil.copytree(top, below, ignore=shutil.ignore_patterns(".git", "below it", ".onetrunk"))
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "two")
    assert registry.read(below).champion is None
    release(below, "b")
    assert (served(top), served(below)) == ("v1.0.0", "v1.0.0")
    (tag,) = (
        name for name in git(top, "tag").split() if re.fullmatch(r"below-it-[0-9a-f]{8}=tiny@v1.0.0", name)
    )
    assert "below it/release.json" in git(top, "ls-tree", "-r", "--name-only", tag)


def with_projects(folder: Path, *names: str) -> Path:
    """A repository with a project in each of these folders."""
    top = repository(folder)
    for name in names:
        shutil.copytree(top, top / name, ignore=shutil.ignore_patterns(".git", ".onetrunk", *names))
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "more")
    return top


def test_folders_whose_names_look_the_same_in_tags_have_releases_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = with_projects(tmp_path / "top", "a b", "a+b")
    with monkeypatch.context() as before:  # as versions up to 0.8 named it
        before.setattr(tags, "_folder", tags._as_before)
        release(top / "a b", "a")
    assert registry.read(top / "a+b").champion is None
    assert served(top / "a b") == "v1.0.0"
    release(top / "a+b", "b")
    release(top / "a b", "c")
    assert (served(top / "a b"), served(top / "a+b")) == ("v1.0.1", "v1.0.0")


def test_a_tag_that_is_called_as_the_folder_above_is_named_with_what_to_do(tmp_path: Path) -> None:
    top = with_projects(tmp_path / "top", "apps/desk")
    git(top, "tag", "apps")
    with pytest.raises(
        UserError, match=r"; give that tag another name: `git tag NEW apps`, then `git tag -d apps`$"
    ):
        release(top / "apps/desk", "a")
    git(top, "tag", "old-apps", "apps")
    git(top, "tag", "-d", "apps")
    release(top / "apps/desk", "a")
    assert served(top / "apps/desk") == "v1.0.0"


def test_a_folder_whose_name_no_tag_can_have_has_releases_too(tmp_path: Path) -> None:
    top = with_projects(tmp_path / "top", ".ml", "a..b", "x.lock")
    (top / "x.lock").rename(top / "x")
    (top / "x.lock").mkdir()
    (top / "x").rename(top / "x.lock/y")
    for folder in (".ml", "a..b", "x.lock/y"):
        release(top / folder, "a")
        assert served(top / folder) == "v1.0.0"


def test_a_project_whose_names_another_has_left_behind_goes_on_from_the_next_free_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to 0.8 the tags of `a b` began as those of `a-b` do."""
    top = with_projects(tmp_path / "top", "a b", "a-b")
    with monkeypatch.context() as before:
        before.setattr(tags, "_folder", tags._as_before)
        release(top / "a b", "a")
        release(top / "a b", "b")
    left = [tag.when for tag in registry.read(top / "a b").tags]
    assert [release(top / "a-b", bundle).release for bundle in ("c", "d")] == ["v2.0.0", "v2.0.1"]
    assert release(top / "a b", "e").release == "v1.0.2"
    assert (served(top / "a b"), served(top / "a-b")) == ("v1.0.2", "v2.0.1")
    assert min(tag.when for tag in registry.read(top / "a-b").tags) > max(left)  # GTO takes the newest


def test_a_folder_whose_name_is_not_utf8_has_releases_too(tmp_path: Path) -> None:
    top = with_projects(tmp_path / "top", os.fsdecode(b"d\xe9partement"))
    project = top / os.fsdecode(b"d\xe9partement")
    for bundle in ("a", "b"):
        release(project, bundle)
    assert served(project) == "v1.0.1"
    assert registry.read(top).champion is None
