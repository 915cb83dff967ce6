"""Stage program: what code each stage can reach, program/STAGE.json and program/STAGE/TASK.json.

The other stages depend on these files, not on code: a project holds none. It is always asked, like
version@REMOTE, and files that come out the same leave everything else up to date.
"""

import shutil
from pathlib import Path

from components import params, program
from components.files import atomic_folder
from components.stages import run

COMPRESSED = Path("models/compressed")


def contents() -> dict[Path, str]:
    """The files of program/ for the project in the current folder."""
    tasks = params.load().tasks
    return program.written(
        {name: {head.family for head in task.annotations(name).values()} for name, task in tasks.items()}
    )


def _make_downloads() -> None:
    """The stage `encoder` depends on downloads/, into which nothing may have to be fetched; DVC warns of a
    folder that is empty."""
    note = Path("downloads/README.txt")
    if not note.is_file():
        note.parent.mkdir(exist_ok=True)
        note.write_text("What packages and remotes of params.yaml bring; the pipeline fills it.\n")


def _make_compressed() -> None:
    """The stage `package` depends on models/compressed, in which nothing need be; what params.yaml no longer
    names would be taken for today's."""
    kept = [name for name, given in params.load().compress if given is not None]
    COMPRESSED.mkdir(parents=True, exist_ok=True)
    for folder in COMPRESSED.iterdir():
        if folder.is_dir() and folder.name not in kept:
            shutil.rmtree(folder)
    if not (COMPRESSED / "README.txt").is_file():
        (COMPRESSED / "README.txt").write_text("Smaller encoders, where params.yaml has `compress`.\n")


def main() -> None:
    _make_downloads()
    _make_compressed()
    with atomic_folder(program.FOLDER) as folder:
        for file, text in contents().items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(main)
