"""Stage data_gate: join the tasks' reports, find leaks between tasks, draw the page, stop on errors."""

from pathlib import Path

from components import families, params
from components.data.contract.cards import task_card
from components.data.validation.page import write_page
from components.data.validation.records import VALIDATION, TaskValidation, task_file
from components.data.validation.validate import between_tasks, summarise
from components.errors import UserError
from components.params.checks import named_labels
from components.settings.project import Project
from components.stages import run

PAGE = Path("reports/validation.html")


def main() -> None:
    project = params.load()
    names = project.tasks
    reports = {name: TaskValidation.read(task_file(name)) for name in names}
    _require_labels(project)
    named_labels.check(params.PARAMS, project, Path())
    result = summarise(reports, between_tasks([Path("data") / name for name in names]))
    result.write(VALIDATION)
    write_page(PAGE, result)
    if errors := result.errors:
        more = f" (and {len(errors) - 1} more; see {PAGE})" if len(errors) > 1 else f" (see {PAGE})"
        raise UserError(f"{VALIDATION}: {errors[0]}{more}")


def _require_labels(project: Project) -> None:
    """Let a gate pass whose metric tells something of as many labels as its head has: otherwise every release
    would be held for want of it, once it is trained.

    Raises:
        UserError: it would not.
    """
    for head, gate in project.gates().items():
        card = task_card(Path("data") / project.heads()[head][0]).heads[head]
        family, facts = families.get(card.family), card.facts
        (metric,) = (one for one in family.metrics_for(facts["options"]) if one.name == gate.metric)
        if (count := len(family.label_set(facts))) < metric.least_labels:
            raise UserError(
                f"{params.PARAMS}: gate of {head}: {gate.metric} tells nothing of {count} labels; expected "
                f"{metric.least_labels} labels or more, or another metric"
            )


if __name__ == "__main__":
    run(main)
