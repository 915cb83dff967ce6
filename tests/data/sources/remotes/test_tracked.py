"""A path of another repository, tracked by DVC or by git: real repositories on this disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import UserError
from tests.data.sources.remotes.conftest import declare

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forks")]  # a dozen processes of DVC


def command(folder: Path, *words: str) -> None:
    names = {f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    program = [sys.executable, "-m", "dvc"] if words[0] == "dvc" else [words[0]]
    environment = {**os.environ, **names, "PYTHONPATH": ""}
    subprocess.run([*program, *words[1:]], cwd=folder, check=True, capture_output=True, env=environment)


@pytest.fixture(scope="module")
def repository(forks: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/rows.csv and data/folder by DVC, notes.csv by git; the tag v1 is the first state."""
    folder = tmp_path_factory.mktemp("other")
    for words in (
        ["git", "init", "-q", "-b", "main"],
        ["dvc", "init", "-q"],
        ["dvc", "remote", "add", "-d", "s", str(folder / "../store")],
    ):
        command(folder, *words)
    (folder / "data/folder").mkdir(parents=True)
    (folder / "data/folder/a.csv").write_text("text\na\n")
    (folder / "notes.csv").write_text("text\nnote\n")
    for version in ("v1", "v2"):
        (folder / "data/rows.csv").write_text(f"text\n{version}\n")
        command(folder, "dvc", "add", "data/rows.csv", "data/folder")
        command(folder, "dvc", "push")
        command(folder, "git", "add", "-A")
        command(folder, "git", "commit", "-qm", version)
        command(folder, "git", "tag", version)
    return folder


def test_a_file_of_dvc_at_a_revision(repository: Path, bring, ask) -> None:
    remote = declare(kind="dvc", repository=str(repository), path="data/rows.csv", revision="v1")
    assert (bring(remote) / "rows.csv").read_text() == "text\nv1\n"
    newest = declare(kind="dvc", repository=str(repository), path="data/rows.csv")
    assert ask(newest) != ask(remote)
    assert ask(newest).keys() == {"hash"}


def test_a_folder_of_dvc_keeps_its_version_through_commits_that_leave_it_alone(
    repository: Path, bring, ask
) -> None:
    first = declare(kind="dvc", repository=str(repository), path="data/folder", revision="v1")
    assert (bring(first) / "a.csv").read_text() == "text\na\n"
    assert ask(first) == ask(
        declare(kind="dvc", repository=str(repository), path="data/folder", revision="v2")
    )


def test_a_file_of_git_has_the_commit_for_its_version(repository: Path, bring, ask) -> None:
    remote = declare(kind="dvc", repository=str(repository), path="notes.csv", revision="v2")
    assert (bring(remote) / "notes.csv").read_text() == "text\nnote\n"
    assert len(ask(remote)["commit"]) == 40


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"path": "data/none.csv"}, "no path 'data/none.csv' in it"),
        ({"path": "none/rows.csv"}, "none"),
        ({"path": "data/rows.csv", "revision": "v9"}, "v9"),
        ({"path": "data/rows.csv", "repository": "no-such-folder"}, "no-such-folder"),
    ],
)
def test_what_is_not_there_is_one_sentence(repository: Path, ask, settings: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as error:
        ask(declare(**{"kind": "dvc", "repository": str(repository), **settings}))
    assert "\n" not in str(error.value)
