"""The mixture plan: from row counts and lengths to steps, shares and rows left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from components.data.contract.rows import column_of
from components.data.encoding.reading import reading_of
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture import easy_first, schedules
from components.data.mixture.draws import Plan, rows_before, shares
from components.data.mixture.records import PlannedTask, PlanRecord, Stage
from components.data.mixture.schedules import Schedule
from components.errors import UserError
from components.settings.mixture import Auxiliary, Curriculum, EasyFirst, Mixture
from components.settings.project import Project


def plan(project: Project, encoded: Path, exclude: dict[str, list[str]]) -> PlanRecord:
    """Compose reports/plan.json.

    `exclude` names, per task, training rows whose text is held out in another task.

    Raises:
        UserError: a task has no training row left, or the run is too short to draw any, or one of each class.
    """
    training = {name: EncodedSplit(encoded / name / "train.arrow") for name in project.tasks}
    excluded = {name: _numbers(training[name], exclude.get(name, [])) for name in project.tasks}
    usable = {name: len(split) - len(excluded[name]) for name, split in training.items()}
    for name, rows in usable.items():
        if not rows:
            raise UserError(f"encoded/{name}: no training row is left; all are held out in other tasks")
    budget = project.training
    steps = max(1, round(budget.tokens / budget.tokens_per_step))
    over_steps = schedule(project.mixture, usable, steps)
    tasks = {
        name: _planned(split, excluded[name], over_steps[name], project.mixture.easy_first.get(name), steps)
        for name, split in training.items()
    }
    tasks |= {name: tasks[name].model_copy(update={"auxiliary": True}) for name in project.mixture.auxiliary}
    dynamic = project.mixture.dynamic
    whole = _counted(
        PlanRecord(
            steps=steps,
            rows_per_step=budget.tokens_per_step / sum(t.share * t.mean_tokens for t in tasks.values()),
            window=budget.window,
            keep=dynamic.keep if dynamic else None,
            tasks=tasks,
        )
    )
    for name, split in training.items():
        _check_classes(split, whole.tasks[name].rows_drawn, encoded / name)
    return whole


def _check_classes(split: EncodedSplit, drawn: int, folder: Path) -> None:
    """A run that draws fewer rows of a task than a head of it has classes, one a row, never shows some."""
    for head, card in cards_of(folder).items():
        target = split.table.schema.field(column_of(split.task, head, "target")).type
        classes = len(card["facts"].get("labels") or ())
        if pa.types.is_integer(target) and drawn < classes:
            raise UserError(
                f"params.yaml: training.tokens: the run draws {drawn} rows of {head}, which has {classes} "
                f"classes, so some are never shown; expected more tokens, a larger share of the mixture, or "
                f"fewer classes"
            )


def schedule(mixture: Mixture, rows: Mapping[str, int], steps: int) -> Mapping[str, Schedule]:
    """Each task's share over the steps of a run. Dynamic shares begin with those of the start."""
    if mixture.method == "round_robin":
        return schedules.alternating(dict.fromkeys(rows, 1))
    if mixture.method == "alternating":
        return schedules.alternating(mixture.blocks)
    if change := mixture.curriculum:
        start, end = shares(change.start, rows), shares(change.end, rows)
        return schedules.curriculum(start, end, *_ends(change, steps))
    if mixture.dynamic:
        return schedules.constant(shares(mixture.dynamic.start, rows))
    main = shares(mixture, {name: n for name, n in rows.items() if name not in mixture.auxiliary})
    falls = {name: (a.start, a.end, *_ends(a, steps)) for name, a in mixture.auxiliary.items()}
    return schedules.decayed(main, falls)


def _ends(change: Curriculum | Auxiliary, steps: int) -> tuple[int, int]:
    """The steps between which shares change."""
    finish = _finish(change.until, steps)
    return min(round(change.begin * steps), finish - 1), finish


def _finish(until: float, steps: int) -> int:
    return max(1, round(until * steps))


def _planned(
    split: EncodedSplit, excluded: list[int], over_steps: Schedule, easy: EasyFirst | None, steps: int
) -> PlannedTask:
    """A task's part, but for what the run draws of it; with stages, where its easy rows come first."""
    reading = reading_of(split.path.parent)
    planned = PlannedTask(
        rows=len(split),
        excluded=excluded,
        share=over_steps.total(steps) / steps,
        schedule=schedules.record(over_steps),
        mean_tokens=float(split.tokens.mean()),
        stages=[],
        cut=reading.cut,
        unknown=reading.unknown,
    )
    if easy is None:
        return planned
    order = easy_first.easiest(split.difficulty(easy.by), excluded)
    stages = easy_first.stages(len(order), easy.first, _finish(easy.until, steps))
    mean = easy_first.mean_over_run(split.tokens[order], stages, steps)
    recorded = [Stage(step=step, rows=rows) for step, rows in stages]
    return planned.model_copy(update={"mean_tokens": mean, "easy_first": easy.by, "stages": recorded})


def _counted(whole: PlanRecord) -> PlanRecord:
    """The plan, with how many rows of each task the run draws."""
    drawn = Plan.of(whole)
    tasks = {}
    for name, task in whole.tasks.items():
        rows = rows_before(drawn, name, drawn.steps)
        if not rows:
            raise UserError(
                f"params.yaml: mixture: a run of {drawn.steps} steps draws no row of {name}; "
                f"expected a larger share for it, or more training.tokens"
            )
        counts = {"rows_drawn": rows, "epochs": rows / drawn.tasks[name].usable}
        tasks[name] = task.model_copy(update=counts)
    return whole.model_copy(update={"tasks": tasks})


def easiest(whole: PlanRecord, training: Mapping[str, EncodedSplit]) -> dict[str, np.ndarray]:
    """The row numbers of the tasks whose easy rows come first, easiest first: once a run, for `Plan.of`."""
    return {
        name: easy_first.easiest(training[name].difficulty(task.easy_first), task.excluded)
        for name, task in whole.tasks.items()
        if task.easy_first is not None
    }


def _numbers(split: EncodedSplit, ids: list[str]) -> list[int]:
    wanted = set(ids)
    return [number for number, identity in enumerate(split.ids()) if identity in wanted] if wanted else []
