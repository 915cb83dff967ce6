"""The budget in words on the terminal: what each task gets of the coming run, and how long it takes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from components import params
from components.data.contract import beginning
from components.data.mixture import cuts, outlook
from components.data.mixture.outlook import Warned
from components.data.mixture.records import PLAN, PlanRecord
from components.errors import UserError
from components.params.reading import line_of
from components.settings.project import Project
from components.tracking.clock import rough
from components.training.run import beforehand, speed
from components.training.run.speed import Speed
from flows.running import dvc_stage


def show(console: Console, root: Path, measure: bool) -> None:
    """What each task gets, what to know of it, and the time; where that is not known, `measure` it first.

    Raises:
        UserError: the plan, or what was measured, is torn or of another version.
    """
    if not (root / PLAN).is_file():  # a pipeline of somebody's own
        return
    plan, project = PlanRecord.read(root / PLAN), params.load(root / params.PARAMS)
    console.print("\nWhat training will give each task:")
    console.print(outlook.table(plan))
    begins = beginning.read(root)
    of_release = begins.sentences if begins else []
    for sentence in [*outlook.provisos(plan), *of_release, *outlook.replayed(plan)]:
        console.print(Text(sentence), soft_wrap=True)
    of_plan = outlook.warnings(plan, begins.of_training if begins else 1.0)
    for warned in [*of_plan, *beforehand.warnings(plan, project.training), *cuts.warnings(plan, root)]:
        console.print(Text(f"warning: {_told(warned, root / params.PARAMS)}", "yellow"), soft_wrap=True)
    console.print(Text(_length(plan, project, root, measure)), soft_wrap=True)


def before_training(console: Console, root: Path) -> None:
    """The same where training follows at once, and says itself what is wrong with the plan."""
    with contextlib.suppress(UserError):
        show(console, root, measure=False)


def _told(warned: Warned, settings: Path) -> str:
    """The sentence, and where its keys stand."""
    lines = {key: line_of(settings, key) for key in warned.keys}
    places = [f"{key} (line {line})" for key, line in lines.items() if line] or warned.keys
    return f"{warned.sentence}; {settings.name}: {' or '.join(places)}"


def _length(plan: PlanRecord, project: Project, root: Path, measure: bool) -> str:
    """Steps, tokens and time."""
    said = f"{plan.steps:,} steps, about {outlook.tokens_of(plan):,.0f} tokens"
    found = speed.kept(project, root) or (_measured(project, root) if measure else None)
    if found is None:
        return f"{said}; training says after its first steps how long it takes"
    seconds = found.seconds(plan, project.training)
    return f"{said}: {rough(seconds)} on this machine, by timing {found.steps} of them"


def _measured(project: Project, root: Path) -> Speed | None:
    """Time some steps, in a process of its own: torch and the model are gone with it."""
    command = [sys.executable, "-m", "flows.running.time_steps"]
    subprocess.run(command, cwd=root, env=dvc_stage.environment(root), capture_output=True, check=False)
    return speed.kept(project, root)
