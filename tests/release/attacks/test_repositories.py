"""Odd repositories and failing hooks: the champion is found, and nothing of the user's is touched. Real git throughout."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from components.errors import UserError
from components.release import moves, registry
from tests.release.attacks.champions import champion
from tests.release.bentos import git, release, repository

pytestmark = [pytest.mark.slow, pytest.mark.minutes(0.3)]  # dozens of git processes each


HOOKS = ("pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "reference-transaction", "update")


def state_of(project: Path) -> dict[str, object]:
    """All that is the user's: branch, index, stash, reflog and working tree."""
    index = project / git(project, "rev-parse", "--git-path", "index")
    files = (path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts)
    ours = (".dvc", ".onetrunk", "bento", "reports")
    return {
        "status": git(project, "status", "--porcelain=v2", "--branch"),
        "stash": git(project, "stash", "list"),
        "index": index.read_bytes() if index.exists() else None,
        "head": (project / git(project, "rev-parse", "--git-path", "HEAD")).read_bytes(),
        "branches": git(project, "for-each-ref", "refs/heads", "refs/stash"),
        "reflog": git(project, "reflog", "--all") if git(project, "for-each-ref", "refs/heads") else "",
        "files": {
            path: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
            if path.relative_to(project).parts[0] not in (*ours, "dvc.lock")
        },
    }


def busy(project: Path) -> None:
    """A user in the middle of things: a stash, a staged change, one that is not, and a new file."""
    (project / "params.yaml").write_text("seed: 7\n")
    git(project, "stash")
    for name, text in (("staged.txt", "staged\n"), ("params.yaml", "seed: 8\n")):
        (project / name).write_text(text)
        git(project, "add", name)
    (project / "params.yaml").write_text("seed: 9\n")
    (project / "new.txt").write_text("not known to git\n")


def unborn(project: Path) -> None:
    git(project, "checkout", "-q", "--orphan", "other")


def detached(project: Path) -> None:
    git(project, "checkout", "-q", "--detach")


def merging(project: Path) -> None:
    """A merge that stopped at a conflict."""
    git(project, "checkout", "-q", "-b", "side")
    for branch in ("side", "main"):
        git(project, "checkout", "-q", branch)
        (project / "notes.txt").write_text(f"{branch}\n")
        git(project, "add", "notes.txt")
        git(project, "commit", "-q", "-m", branch)
    with pytest.raises(AssertionError):
        git(project, "merge", "side")


def sparse(project: Path) -> None:
    """Files of the repository that are not in the working tree."""
    (project / "elsewhere").mkdir()
    (project / "elsewhere/file").write_text("there all the same\n")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "more")
    git(project, "sparse-checkout", "set", "--no-cone", "/*", "!/elsewhere")


def locked(project: Path) -> None:
    """Another git command is at work, or was killed."""
    (project / ".git/index.lock").touch()


def hooked(project: Path) -> None:
    """Hooks that refuse everything."""
    (project / ".git/hooks").mkdir(exist_ok=True)
    for name in HOOKS:
        hook = project / ".git/hooks" / name
        hook.write_text("#!/bin/sh\necho refused >&2\nexit 1\n")
        hook.chmod(0o755)


def signed(project: Path) -> None:
    """Everything must be signed, and there is no key."""
    for key in ("commit.gpgsign", "tag.gpgsign", "tag.forceSignAnnotated"):
        git(project, "config", key, "true")
    git(project, "config", "user.signingkey", "0000000000000000")
    git(project, "config", "gpg.program", "/bin/false")


def nobody(project: Path) -> None:
    """Git does not know who commits, and shall not guess."""
    git(project, "config", "user.useConfigOnly", "true")


def cautious(project: Path) -> None:
    """Line ends are converted, and `git add` shall refuse where that cannot be undone."""
    for key in ("core.autocrlf", "core.safecrlf"):
        git(project, "config", key, "true")
    (project / "params.yaml").write_bytes(b"seed: 7\n")


def latin(project: Path) -> None:
    """A name that is not UTF-8, which an environment does not hide."""
    git(project, "config", "user.email", "j@localhost")
    with (project / ".git/config").open("ab") as config:
        config.write(b"[user]\n\tname = J\xf6rg\n")


def packed(project: Path) -> None:
    git(project, "pack-refs", "--all")
    git(project, "gc", "--quiet")


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [busy, unborn, detached, merging, sparse, locked, hooked, signed, nobody, cautious, latin, packed],
    ids=lambda f: f.__name__,
)
def test_a_release_touches_nothing_of_the_users(
    project: Path, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    if make is latin:
        for role in ("AUTHOR", "COMMITTER"):
            monkeypatch.delenv(f"GIT_{role}_NAME", raising=False)
    if make is nobody:
        for name in ("GLOBAL", "SYSTEM"):
            monkeypatch.setenv(f"GIT_CONFIG_{name}", os.devnull)
    make(project)
    before = state_of(project)
    (project / "bento").mkdir()
    for bundle in ("a", "b"):
        release(project, bundle)
    moves.promote("v1.0.0", "bad", project, "rollback")
    (project / "dvc.lock").unlink()
    assert state_of(project) == before
    assert champion(project) == "v1.0.0"
    if make is sparse:
        assert git(project, "show", "tiny@v1.0.1:elsewhere/file") == "there all the same"
    if make is busy:
        assert git(project, "show", "tiny@v1.0.1:params.yaml") == "seed: 9"
        assert "new.txt" not in git(project, "ls-tree", "-r", "--name-only", "tiny@v1.0.1")
    if make is latin:
        assert "J\ufffdrg <j@localhost>" in git(project, "for-each-ref", "--format=%(tagger)", "refs/tags")
    if make is nobody:
        assert (
            git(project, "log", "-1", "--format=%an <%ae>", "tiny@v1.0.1") == "onetrunk <onetrunk@localhost>"
        )


def test_a_release_while_a_hook_runs_is_one_of_the_projects_repository(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git tells hooks by variables where it works."""
    other = repository(tmp_path / "other")
    for name, value in (("GIT_DIR", other / ".git"), ("GIT_INDEX_FILE", other / ".git/index")):
        monkeypatch.setenv(name, str(value))
    release(project, "a")
    monkeypatch.undo()
    assert champion(project) == "v1.0.0"
    assert not git(other, "tag")


def test_a_worktree_has_the_champion_of_its_repository(project: Path, tmp_path: Path) -> None:
    release(project, "a")
    worktree = tmp_path / "worktree"
    git(project, "worktree", "add", "-q", "--detach", str(worktree))
    assert champion(worktree) == "v1.0.0"  # its bytes are in the cache of the other working tree
    release(worktree, "b")
    assert champion(project) == "v1.0.1"


def test_a_submodule_has_releases_of_its_own(project: Path, tmp_path: Path) -> None:
    outer = repository(tmp_path / "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(project), "inner")
    git(outer, "commit", "-q", "-m", "with a submodule")
    release(outer / "inner", "a")
    assert champion(outer / "inner") == "v1.0.0"
    assert registry.read(outer).champion is None
    release(outer, "b")  # whose tree has the submodule's commit
    assert "160000 commit" in git(outer, "ls-tree", "tiny@v1.0.0")


def test_a_working_tree_of_a_bare_clone_has_the_champion(project: Path, tmp_path: Path) -> None:
    release(project, "a")
    bare, tree = tmp_path / "bare.git", tmp_path / "tree"
    git(tmp_path, "clone", "-q", "--bare", str(project), str(bare))
    git(bare, "worktree", "add", "-q", str(tree))
    shutil.copytree(project / ".dvc/cache", tree / ".dvc/cache")
    assert champion(tree) == "v1.0.0"
    release(tree, "b")
    assert champion(tree) == "v1.0.1"


@pytest.mark.parametrize(
    ("option", "remedy"),
    [
        ("--depth=1", "--unshallow"),
        ("--no-tags", "remove --no-tags"),
        ("--single-branch", r"`git remote set-branches origin '\*'`"),  # which takes the tags of its branch
    ],
)
def test_a_clone_without_the_tags_is_not_taken_for_a_project_without_releases(
    project: Path, tmp_path: Path, option: str, remedy: str
) -> None:
    release(project, "a")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", option, f"file://{project}", str(clone))
    with pytest.raises(UserError, match=f"no release here, but this clone is not the whole .*{remedy}"):
        registry.champion("a new model", clone)
    git(clone, "fetch", "-q", "--tags", *(["--unshallow"] if option == "--depth=1" else []))
    found = registry.champion("a new model", clone)
    assert found is not None
    assert found.release == "v1.0.0"
