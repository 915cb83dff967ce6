"""Stage data_gate: join the tasks' reports, find leaks between tasks, draw the page, stop on errors."""

from pathlib import Path

from components import params
from components.data.validation.page import write_page
from components.data.validation.records import VALIDATION, TaskValidation, task_file
from components.data.validation.validate import between_tasks, summarise
from components.errors import UserError
from components.stages import run

PAGE = Path("reports/validation.html")


def main() -> None:
    names = params.load().tasks
    reports = {name: TaskValidation.read(task_file(name)) for name in names}
    result = summarise(reports, between_tasks([Path("data") / name for name in names]))
    result.write(VALIDATION)
    write_page(PAGE, result)
    if errors := result.errors:
        more = f" (and {len(errors) - 1} more; see {PAGE})" if len(errors) > 1 else f" (see {PAGE})"
        raise UserError(f"{VALIDATION}: {errors[0]}{more}")


if __name__ == "__main__":
    run(main)
