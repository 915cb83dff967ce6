"""The mixture plan: from row counts and lengths to steps, shares and rows left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from components.data.contract.beginning import Beginning
from components.data.contract.rows import column_of
from components.data.encoding.reading import reading_of
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture import budgets, easy_first, replay, schedules
from components.data.mixture.budgets import Asked
from components.data.mixture.draws import Plan, rows_before, shares
from components.data.mixture.records import PlannedTask, PlanRecord, Stage
from components.data.mixture.schedules import Schedule
from components.errors import UserError
from components.settings.mixture import Auxiliary, Curriculum, EasyFirst, Mixture
from components.settings.project import Project

Pace = Callable[[Project, PlanRecord], float]  # seconds for a token of training, evaluations among them
New = Mapping[str, Sequence[int]]  # task -> numbers of the training rows that a release has not learnt from
DRAFT = 1000  # steps of the draft that a budget asks, or some more; shares and lengths hardly depend on them
MOST = 10**9  # steps of a run; of more nobody sees the end


def plan(
    project: Project,
    encoded: Path,
    exclude: dict[str, list[str]],
    pace: Pace | None = None,
    beginning: Beginning | None = None,
    new: New | None = None,
) -> PlanRecord:
    """Compose reports/plan.json.

    `exclude` names, per task, training rows whose text is held out in another task. `pace` measures this
    machine, for a budget that asks. A training whose `beginning` is a release gets its part of the budget,
    and draws more often the rows that are `new` since.

    Raises:
        UserError: a task has no training row left, or the run is too short: for a step, to draw a row of each
            task, or one of each class.
    """
    training = {name: EncodedSplit(encoded / name / "train.arrow") for name in project.tasks}
    excluded = {name: _numbers(training[name], exclude.get(name, [])) for name in project.tasks}
    for name, split in training.items():
        if len(split) == len(excluded[name]):
            raise UserError(f"encoded/{name}: no training row is left; all are held out in other tasks")
    replayed, of_training = (beginning.replay, beginning.of_training) if beginning else (1.0, 1.0)
    drafted = partial(_drafted, project, training, excluded, new or {}, replayed)
    whole = _counted(drafted(_steps(project, drafted, pace, of_training)))
    for name, split in training.items():
        _check_classes(split, whole.tasks[name].rows_drawn, encoded / name, _key(project))
    return whole


def _key(project: Project) -> str:
    """Of `training`, that says how long it is."""
    return "tokens" if project.training.budget is None else "budget"


def _steps(
    project: Project, drafted: Callable[[int], PlanRecord], pace: Pace | None, of_training: float
) -> int:
    """How many steps the budget allows, or that part of them."""
    draft, per_step = drafted(_whole_periods(project)), project.training.tokens_per_step
    rule = budgets.build(project.training.budgeted)

    def measured() -> float:
        if pace is None:
            raise ValueError("the budget asks how fast this machine is, and nobody measures it")
        return pace(project, _drawn(draft))

    steps = rule.allows(Asked(draft, per_step, measured)) / per_step
    if not round(steps):
        raise UserError(
            f"params.yaml: training.budget: allows {steps * per_step:,.0f} tokens, less than half a step; "
            f"expected more, or a smaller training.tokens_per_step (it is {per_step:,})"
        )
    if steps > MOST:
        raise UserError(
            f"params.yaml: training.{_key(project)}: allows {steps:.2g} steps of training.tokens_per_step "
            f"({per_step:,}) each; expected {MOST:,} at most"
        )
    return max(1, round(of_training * steps))


def _whole_periods(project: Project) -> int:
    """Steps of a draft in which each task has its share, also where they take turns."""
    turns = len(project.tasks) if project.mixture.method == "round_robin" else 1
    period = sum(project.mixture.blocks.values()) or turns
    return -(-DRAFT // period) * period


def _drafted(
    project: Project,
    training: Mapping[str, EncodedSplit],
    excluded: Mapping[str, list[int]],
    new: New,
    replayed: float,
    steps: int,
) -> PlanRecord:
    """The plan of so many steps, but for what the run draws of each task."""
    mixture, budget = project.mixture, project.training
    usable = {name: len(split) - len(excluded[name]) for name, split in training.items()}
    over_steps = schedule(mixture, usable, steps)
    tasks = {
        name: _planned(
            split,
            excluded[name],
            sorted({*new.get(name, ())} - {*excluded[name]}),
            replayed,
            over_steps[name],
            schedules.phase(place),
            mixture.easy_first.get(name),
            steps,
        )
        for place, (name, split) in enumerate(training.items())
    }
    tasks |= {name: tasks[name].model_copy(update={"auxiliary": True}) for name in mixture.auxiliary}
    per_step = budget.tokens_per_step
    if mixture.unit == "tokens":
        rows = {name: per_step / task.mean_tokens for name, task in tasks.items()}
        tasks = {name: task.model_copy(update={"rows_per_step": rows[name]}) for name, task in tasks.items()}
        rows_per_step = sum(task.share * rows[name] for name, task in tasks.items())
    else:
        rows_per_step = per_step / sum(task.share * task.mean_tokens for task in tasks.values())
    return PlanRecord(
        steps=steps,
        rows_per_step=rows_per_step,
        window=budget.window,
        keep=mixture.dynamic.keep if mixture.dynamic else None,
        cooldown=budgets.find(budget.budgeted.method).cooldown,
        tasks=tasks,
    )


def _check_classes(split: EncodedSplit, drawn: int, folder: Path, key: str) -> None:
    """A run that draws fewer rows of a task than a head of it has classes, by as many as a row shows at
    most, never shows some."""
    for head, card in cards_of(folder).items():
        targets = split.table[column_of(split.task, head, "target")]
        classes = len(card["facts"].get("labels") or card["facts"].get("tags") or ())
        if (
            drawn < classes
            and pa.types.is_list(targets.type)
            and pa.types.is_integer(targets.type.value_type)
        ):
            shown = [{one for one in row if one >= 0} for row in targets.to_pylist() if row]
            classes, most = len(set().union(*shown)), max(map(len, shown), default=1)
        else:
            most = 1 if pa.types.is_integer(targets.type) else classes
        if drawn * most < classes:
            raise UserError(
                f"params.yaml: training.{key}: the run draws {drawn} rows of {head}, which has {classes} "
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
    split: EncodedSplit,
    excluded: list[int],
    new: list[int],
    replayed: float,
    over_steps: Schedule,
    phase: float,
    easy: EasyFirst | None,
    steps: int,
) -> PlannedTask:
    """A task's part, but for what the run draws of it; with stages, where its easy rows come first."""
    reading = reading_of(split.path.parent)
    times = replay.times(len(new), len(split) - len(excluded) - len(new), replayed)
    repeated = new if times > 1 else []
    planned = PlannedTask(
        rows=len(split),
        excluded=excluded,
        share=over_steps.total(steps) / steps,
        schedule=schedules.record(over_steps),
        phase=phase,
        mean_tokens=_mean_tokens(split, excluded, repeated, times),
        stages=[],
        cut=reading.cut,
        unknown=reading.unknown,
        unfamiliar=reading.unfamiliar,
        new=len(new),
        repeated=repeated,
        times=times,
    )
    if easy is None:
        return planned
    order = _order(split, planned.model_copy(update={"easy_first": easy.by}))
    stages = easy_first.stages(len(order), easy.first, _finish(easy.until, steps))
    mean = easy_first.mean_over_run(split.tokens[order], stages, steps)
    recorded = [Stage(step=step, rows=rows) for step, rows in stages]
    return planned.model_copy(update={"mean_tokens": mean, "easy_first": easy.by, "stages": recorded})


def _mean_tokens(split: EncodedSplit, excluded: list[int], repeated: list[int], times: int) -> float:
    """Of a row that is drawn."""
    tokens_N = split.tokens
    drawn = [np.delete(tokens_N, excluded), *[tokens_N[repeated]] * (times - 1 if repeated else 0)]
    return float(np.concatenate(drawn).mean())


def _counted(whole: PlanRecord) -> PlanRecord:
    """The plan, with how many rows of each task the run draws."""
    found = _drawn(whole)
    for name, task in found.tasks.items():
        if not task.rows_drawn:
            raise UserError(
                f"params.yaml: mixture: a run of {found.steps} steps draws no row of {name}; "
                f"expected a larger share for it, or more tokens in all"
            )
    return found


def _drawn(whole: PlanRecord) -> PlanRecord:
    """The same, of a task of which it draws none, too."""
    drawn = Plan.of(whole)
    tasks = {}
    for name, task in whole.tasks.items():
        rows = rows_before(drawn, name, drawn.steps)
        counts = {"rows_drawn": rows, "epochs": rows / drawn.tasks[name].places}
        tasks[name] = task.model_copy(update=counts)
    return whole.model_copy(update={"tasks": tasks})


def easiest(whole: PlanRecord, training: Mapping[str, EncodedSplit]) -> dict[str, np.ndarray]:
    """The row numbers of the tasks whose easy rows come first, easiest first: once a run, for `Plan.of`."""
    return {
        name: _order(training[name], task)
        for name, task in whole.tasks.items()
        if task.easy_first is not None
    }


def _order(split: EncodedSplit, task: PlannedTask) -> np.ndarray:
    """The numbers of a task's rows, the easiest first, as often as an epoch has each."""
    order = easy_first.easiest(split.difficulty(task.easy_first or "length"), task.excluded)
    return replay.repeated(order, task.repeated, task.times)


def _numbers(split: EncodedSplit, ids: list[str]) -> list[int]:
    wanted = set(ids)
    return [number for number, identity in enumerate(split.ids()) if identity in wanted] if wanted else []
