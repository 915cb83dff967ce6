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

from components.errors import EXIT_USER_ERROR, UserError

ROOT = Path(__file__).resolve().parent.parent
CODE = ("components", "flows", "serving", ".dvc")
FILES = ("dvc.yaml", ".gitignore", ".dvcignore", "pyproject.toml", "requirements.lock")


def start(name: str, folder: Path) -> None:
    """Copy the code, put the example's own files over it, prepare its data, commit.

    Raises:
        UserError: there is no such example, or the folder is there already.
    """
    example = ROOT / "examples" / name
    if not (example / "params.yaml").is_file():
        known = ", ".join(sorted(path.parent.name for path in ROOT.glob("examples/*/params.yaml")))
        raise UserError(f"no example '{name}'; there are {known}")
    if folder.exists():
        raise UserError(f"{folder}: it is there already; go on in it, or remove it")
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


def main(name: str, folder: str) -> None:
    """Make the project; what cannot be made whole is not left behind."""
    try:
        start(name, Path(folder))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_USER_ERROR)
    except subprocess.CalledProcessError as error:  # which has said why
        shutil.rmtree(folder)
        sys.exit(error.returncode)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/start.py NAME FOLDER")
    main(*sys.argv[1:])
