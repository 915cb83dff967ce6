"""Stage plan: write reports/plan.json."""

from pathlib import Path

from components import params
from components.data.contract import beginning
from components.data.mixture import plan
from components.data.mixture.records import PLAN, PlanRecord
from components.data.validation.records import VALIDATION, Validation
from components.environment import restart_tuned
from components.settings.project import Project
from components.stages import run


def main() -> None:
    project = params.load()
    exclude = Validation.read(VALIDATION).between_tasks.exclude
    begins, new = beginning.read(Path()), beginning.new_rows(Path())
    plan.plan(project, Path("encoded"), exclude, _pace, begins, new).write(PLAN)


def _pace(project: Project, draft: PlanRecord) -> float:
    """As `speed.pace`; torch is imported where it is asked, and only then."""
    from components.training.run import speed

    return speed.pace(Path(), project, draft)


if __name__ == "__main__":
    restart_tuned()
    run(main)
