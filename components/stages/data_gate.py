"""Stage data_gate: join the tasks' reports, find leaks between tasks, draw the page, stop on errors."""

from pathlib import Path

from components import params
from components.data.validation.page import write_page
from components.data.validation.validate import between_tasks, summarise
from components.errors import UserError
from components.files import read_json, write_json
from components.stages import run

RESULT, PAGE = Path("reports/validation.json"), Path("reports/validation.html")


def main() -> None:
    names = params.load().tasks
    reports = {name: read_json(Path("reports/validation") / f"{name}.json") for name in names}
    result = summarise(reports, between_tasks([Path("data") / name for name in names]))
    write_json(RESULT, result)
    write_page(PAGE, result)
    if errors := result["errors"]:
        more = f" (and {len(errors) - 1} more; see {PAGE})" if len(errors) > 1 else f" (see {PAGE})"
        raise UserError(f"{RESULT}: {errors[0]}{more}")


if __name__ == "__main__":
    run(main)
