"""Stage validate@TASK: measure data/TASK against its suite; reports/validation/TASK.json says what holds."""

from pathlib import Path

from components import params
from components.data.validation.records import task_file
from components.data.validation.validate import validate_task
from components.stages import run


def main(name: str) -> None:
    project = params.load()
    report = validate_task(Path("data") / name, project.tasks[name].cleaning, project.checks)
    report.write(task_file(name))


if __name__ == "__main__":
    run(main)
