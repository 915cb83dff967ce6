"""Stage ingest@TASK: read, clean and split a task's source into data/TASK."""

from pathlib import Path

from components import params
from components.data.contract import accepted
from components.data.ingest import ingest
from components.stages import run


def main(name: str) -> None:
    project = params.load()
    rows = accepted.file_of("declared" / accepted.FOLDER, name)
    ingest.ingest(name, project.tasks[name], project.seed, Path("data") / name, rows)


if __name__ == "__main__":
    run(main)
