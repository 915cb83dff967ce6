"""The commit of a release: a tree made in an index of its own, on top of HEAD and beside every branch.

It holds the tracked files as they are now and some that git ignores. The user's branch, index, stash and
working tree are not touched, no hook runs and nothing is signed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from components.release.git import Git, as_bytes


def write(git: Git, files: Mapping[str, bytes | Path], message: str, when: int) -> str:
    """Write the commit of HEAD's tracked files and of `files` (name in the project -> content); its hash."""
    with tempfile.TemporaryDirectory(prefix="onetrunk-release-") as folder:
        index = Path(folder) / "index"
        own = git.project / git("rev-parse", "--git-path", "index")
        if own.is_file():  # it knows which files have not changed, and which a sparse checkout leaves out
            shutil.copyfile(own, index)
        git("add", "--update", "--", ":/", env={"GIT_INDEX_FILE": str(index)})
        tree = with_files(git, files, index)
    return on_top(git, tree, [head] if (head := git.head()) else [], message, when)


def of_files(git: Git, files: Mapping[str, bytes | Path], parents: list[str], message: str, when: int) -> str:
    """Write the commit of these files alone; its hash."""
    with tempfile.TemporaryDirectory(prefix="onetrunk-release-") as folder:
        tree = with_files(git, files, Path(folder) / "index")
    return on_top(git, tree, parents, message, when)


def with_files(git: Git, files: Mapping[str, bytes | Path], index: Path) -> str:
    """The tree of an index and of some files in the project's folder; its hash."""
    entries = "".join(
        f"100644 {hash_of(git, content)}\t{git.prefix}{name}\0" for name, content in files.items()
    )
    git("update-index", "-z", "--index-info", text=as_bytes(entries), env={"GIT_INDEX_FILE": str(index)})
    return git("write-tree", env={"GIT_INDEX_FILE": str(index)})


def on_top(git: Git, tree: str, parents: list[str], message: str, when: int) -> str:
    """Write a commit of a tree; its hash."""
    dates = {f"GIT_{role}_DATE": f"{when} +0000" for role in ("AUTHOR", "COMMITTER")}
    flags = [word for parent in parents for word in ("-p", parent)]
    known = {**git.identity, **dates}
    return git("commit-tree", "--no-gpg-sign", tree, *flags, text=message.encode(), env=known)


def hash_of(git: Git, content: bytes | Path) -> str:
    """Write a file's bytes, as they are, into git's store; their hash there."""
    text = content.read_bytes() if isinstance(content, Path) else content
    return git("hash-object", "-w", "--no-filters", "--stdin", text=text)
