"""Stage program: what code each stage can reach, program/STAGE.json and program/STAGE/TASK.json.

The other stages depend on these files, not on code: a project holds none. It is always asked, like
version@REMOTE, and files that come out the same leave everything else up to date.
"""

from pathlib import Path

from components import folders, params, program
from components.files import atomic_folder
from components.stages import run


def contents() -> dict[Path, str]:
    """The files of program/ for the project in the current folder."""
    tasks = params.load().tasks
    return program.written(
        {name: {head.family for head in task.annotations(name).values()} for name, task in tasks.items()}
    )


def main() -> None:
    folders.make_folders()
    folders.drop_left_over(params.load())
    with atomic_folder(program.FOLDER) as folder:
        for file, text in contents().items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(main)
