"""DVC experiments that were trained elsewhere: commits under refs/exps, which `dvc exp show` lists.

`dvc exp save` takes the user's working tree as the experiment. Here only the tree of the commit is
made, in an index of its own, so neither the working tree nor the user's index is touched and DVC's
lock is not needed (docs/decisions/0020).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.errors import UserError

FOLDER = "search"  # in an experiment's tree: its metrics, and the dvc.yaml that says so
DECLARED = "metrics:\n  - metrics.json\n"


def check(root: Path) -> None:
    """Check that experiments can be saved in the repository of `root`.

    Raises:
        UserError: git has no commit yet, or does not know who commits.
    """
    try:
        _git(root, "rev-parse", "--verify", "HEAD")
    except UserError as error:
        if "Needed a single revision" not in str(error):
            raise
        raise UserError(
            f"{root}: git has no commit yet, and an experiment hangs on one; commit the project first"
        ) from None
    _git(root, "var", "GIT_COMMITTER_IDENT")


def save(root: Path, name: str, params: str, metrics: Mapping[str, Any]) -> None:
    """Save an experiment on top of HEAD: the tracked files as they are now, this params.yaml, these metrics.

    Raises:
        UserError: git cannot write it.
    """
    from dvc.repo.experiments.refs import ExpRefInfo

    files = {
        "params.yaml": params,
        f"{FOLDER}/metrics.json": json.dumps(metrics, indent=2) + "\n",
        f"{FOLDER}/dvc.yaml": DECLARED,
    }
    head, tree = _git(root, "rev-parse", "HEAD"), _tree(root, files)
    commit = _git(root, "commit-tree", tree, "-p", head, "-m", f"onetrunk search: {name}")
    _git(root, "update-ref", str(ExpRefInfo(head, name)), commit)


def _tree(root: Path, files: Mapping[str, str]) -> str:
    """The tree of the tracked files of the working tree, but for some texts in the project's folder."""
    prefix = _git(root, "rev-parse", "--show-prefix")
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        shutil.copy(root / _git(root, "rev-parse", "--git-path", "index"), index)
        _git(root, "add", "--update", ":/", index=index)
        for name, text in files.items():
            blob = _git(root, "hash-object", "-w", "--stdin", text=text)
            _git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{prefix}{name}", index=index)
        return _git(root, "write-tree", index=index)


def _git(root: Path, *arguments: str, index: Path | None = None, text: str | None = None) -> str:
    environment = {**os.environ, "GIT_INDEX_FILE": str(index)} if index else None
    done = subprocess.run(
        ["git", *arguments],
        check=False,
        cwd=root,
        env=environment,
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise UserError(f"{root}: git {arguments[0]}: {said}")
    return done.stdout.removesuffix("\n")
