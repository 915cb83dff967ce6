"""Stage plan: write reports/plan.json."""

from pathlib import Path

from components import params
from components.data.mixture import plan
from components.data.mixture.records import PLAN
from components.files import read_json
from components.stages import run


def main() -> None:
    project = params.load()
    exclude = read_json(Path("reports/validation.json"))["between_tasks"]["exclude"]
    plan.plan(project, Path("encoded"), exclude).write(PLAN)


if __name__ == "__main__":
    run(main)
