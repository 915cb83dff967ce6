"""`onetrunk init`: a project that uses the installed program and holds none of its code.

`project/` beside this file holds what a project is made of; much of it are links to the files of the
checkout, which is itself a project, and a wheel carries their content.
"""

from __future__ import annotations

import os
import shutil
import string
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from components import advice
from components.environment import QUIET
from components.errors import UserError, near_miss
from components.folders import make_folders

TEMPLATES = Path(__file__).with_name("project")
BUILT_IN, EMPTY = "built-in", "empty"
FILES = {  # of every project: its name there -> its name here
    "dvc.yaml": "pipeline.yaml",
    "prefect.yaml": "prefect.yaml",
    ".gitignore": "gitignore",
    ".dvcignore": "dvcignore",
    "README.md": "README.md",
    ".dvc/config": "dvcconfig",
    ".dvc/plots.html": "plots.html",
}
IDENTITY = ("-c", "user.name=onetrunk", "-c", "user.email=onetrunk@localhost")


def starts() -> list[str]:
    """What a project can begin with."""
    return sorted(path.parent.name for path in TEMPLATES.glob("from/*/params.yaml"))


def run(folder: Path, start: str) -> int:
    """Make the project and say what to do next."""
    create(folder, start)
    settled = "`onetrunk run`" if start != EMPTY else "`onetrunk new-task FILE --write`, then `onetrunk run`"
    print(f"{folder} is a project; next: `cd {advice.word(folder)}`, then {settled}")
    return 0


def create(folder: Path, start: str, before: Callable[[Path], None] = lambda folder: None) -> None:
    """Make a project in `folder`: settings and data of `start`, pipeline, git, DVC and a first commit.

    `before` is called with the folder before the data are prepared.

    Raises:
        UserError: there is no such start, the folder is there already, or its data could not be prepared;
            then nothing is left behind.
    """
    if start not in starts():
        known = ", ".join(starts())
        raise UserError(f"--from: found '{start}'{near_miss(start, starts())}, expected one of {known}")
    _make(folder)
    try:
        _fill(folder, start)
        before(folder)
        if (folder / "prepare.py").is_file():
            _call([sys.executable, "prepare.py"], folder)
        _call(["git", "add", "."], folder)
        _call(["git", *IDENTITY, "commit", "--quiet", "--message", f"A project from {start}"], folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _make(folder: Path) -> None:
    """Make the folder; from then on all that is in it is ours."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise UserError(f"{folder}: it is there already; go on in it, or remove it") from None
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror})") from None


def _fill(folder: Path, start: str) -> None:
    _call(["git", "init", "--quiet"], folder)
    _call([sys.executable, "-m", "dvc", "init", "--quiet"], folder)
    for name, template in FILES.items():
        shutil.copyfile(TEMPLATES / template, folder / name)
    make_folders(folder)
    for file in (TEMPLATES / "from" / start).iterdir():
        if file.is_file():
            shutil.copyfile(file, folder / file.name)
    readme = string.Template((folder / "README.md").read_text(encoding="utf-8"))
    (folder / "README.md").write_text(readme.substitute(name=folder.absolute().name), encoding="utf-8")


def _call(command: list[str], folder: Path) -> None:
    """Run a tool in the project; it has said itself what is wrong with it."""
    try:
        subprocess.run(command, cwd=folder, check=True, env={**QUIET, **os.environ})
    except FileNotFoundError:
        raise UserError(f"{command[0]} is not installed here; a project needs it") from None
    except subprocess.CalledProcessError as error:
        words = " ".join(word for word in command if word not in IDENTITY)
        raise UserError(f"`{words}` ended with {error.returncode}; nothing is left of {folder}") from None
