"""Stage program: what code each stage can reach, program/STAGE.json and program/STAGE/TASK.json.

The other stages depend on these files, not on code: a project holds none. It is always asked, like
version@REMOTE, and files that come out the same leave everything else up to date.
"""

import shutil
from pathlib import Path

from components import params, program
from components.files import atomic_folder
from components.settings.compression import COMPRESSED
from components.stages import run


def contents() -> dict[Path, str]:
    """The files of program/ for the project in the current folder."""
    tasks = params.load().tasks
    return program.written(
        {name: {head.family for head in task.annotations(name).values()} for name, task in tasks.items()}
    )


NOTES = {  # of folders that may hold nothing else
    "downloads": "What packages and remotes of params.yaml bring; the pipeline fills it.\n",
    "accepted": "Rows that `onetrunk feedback accept` has made of feedback; git or `dvc add` keeps them.\n",
    COMPRESSED.as_posix(): "Smaller encoders that the stage `compress` makes, if params.yaml says so.\n",
}


def make_folders(root: Path = Path()) -> None:
    """The stages `encoder`, `declare` and `package` depend on them; DVC warns of a folder that is empty."""
    for folder, text in NOTES.items():
        note = root / folder / "README.txt"
        if not note.is_file():
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(text)


def drop_compressed() -> None:
    """Remove smaller encoders that params.yaml no longer names; they would be taken for today's."""
    kept = [name for name, given in params.load().compress if given is not None]
    for folder in COMPRESSED.iterdir():
        if folder.is_dir() and folder.name not in kept:
            shutil.rmtree(folder)


def main() -> None:
    make_folders()
    drop_compressed()
    with atomic_folder(program.FOLDER) as folder:
        for file, text in contents().items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(main)
