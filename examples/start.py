"""Make a project of an example: `python examples/start.py NAME FOLDER`, or `make example NAME=... `.

The folder becomes a copy of this project with the example's params.yaml and its data: another
pipeline, with a git history and releases of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ("components", "flows", "serving", ".dvc")
FILES = ("dvc.yaml", ".gitignore", ".dvcignore", "pyproject.toml", "requirements.lock")


def start(name: str, folder: Path) -> None:
    """Copy the code, put the example's own files over it, prepare its data, commit."""
    example = ROOT / "examples" / name
    if not (example / "params.yaml").is_file():
        known = ", ".join(sorted(path.parent.name for path in ROOT.glob("examples/*/params.yaml")))
        sys.exit(f"error: no example '{name}'; there are {known}")
    if folder.exists():
        sys.exit(f"error: {folder} is there already; go on in it, or remove it")
    skipped = shutil.ignore_patterns("__pycache__", "cache", "tmp", "config.local", "project")
    for part in CODE:
        shutil.copytree(ROOT / part, folder / part, ignore=skipped)
    for file in FILES:
        shutil.copy(ROOT / file, folder / file)
    shutil.copytree(example, folder, dirs_exist_ok=True, ignore=skipped)
    packages = ROOT / ".onetrunk/packages"  # what was downloaded here before
    if packages.is_dir():
        shutil.copytree(packages, folder / ".onetrunk/packages", copy_function=os.link)
    if (folder / "prepare.py").is_file():
        subprocess.run([sys.executable, "prepare.py"], cwd=folder, check=True)
    git = ["git", "-c", "user.name=onetrunk", "-c", "user.email=onetrunk@localhost"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", f"The example {name}"]):
        subprocess.run([*git, *command], cwd=folder, check=True)


if __name__ == "__main__":
    start(sys.argv[1], Path(sys.argv[2]))
