"""Early stopping of single tasks, and which step was best for whom.

All of it is read from the history of scheduled evaluations, which the checkpoint keeps, so a resumed run
decides as the uninterrupted one did. A task is known by its name, its heads are the questions asked of
its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from components.data.mixture import schedules
from components.data.mixture.draws import Plan
from components.data.mixture.schedules import After
from components.training.run.records import Kept, KeptHead
from components.training.run.state import Entry

History = Sequence[Entry]


def stopped(history: History, of_heads: Mapping[str, str], patience: int) -> list[str]:
    """The tasks that have left by the last evaluation: those that had, and those no head of which has
    improved on its best for `patience` evaluations. Of tasks that would leave all at once, the one that
    improved last stays.

    `of_heads` names each head's task.
    """
    gone = list(history[-2].get("stopped", [])) if len(history) > 1 else []
    waited: dict[str, int] = {}
    for head, task in of_heads.items():
        since = len(history) - 1 - _best(history, head)
        waited[task] = min(since, waited.get(task, since))
    training = [task for task in waited if task not in gone]
    leaving = [task for task in training if waited[task] >= patience]
    if leaving == training:
        leaving.remove(min(leaving, key=lambda task: waited[task]))
    return gone + leaving


def with_stopped(plan: Plan, history: History) -> Plan:
    """The plan in which each task that has stopped gives nothing from the next window on; those that still
    train divide what it would have had by their shares of the run."""
    declared = {name: task.over_steps for name, task in plan.tasks.items()}
    tasks = dict(plan.tasks)
    gone: list[str] = []
    for entry in history:
        if len(entry.get("stopped", [])) == len(gone):
            continue
        gone, since = entry["stopped"], schedules.next_window(entry["step"], plan.window)
        rest = sum(task.share for name, task in plan.tasks.items() if name not in gone)
        for name, task in tasks.items():
            left = [(task.share / rest, declared[other]) for other in gone]
            parts = () if name in gone else ((1.0, declared[name]), *left)
            until = since if name in gone and task.until is None else task.until
            tasks[name] = replace(task, schedule=After(task.over_steps, since, parts), until=until)
    return replace(plan, tasks=tasks)


def kept(history: History) -> Kept:
    """The step whose model is kept, the best of all heads together, and each head's own best beside it."""
    best = max(history, key=lambda entry: entry["score"])  # the first of equals
    heads = {}
    errors = best.get("errors") or {}
    for head, score in best["validation"].items():
        own = history[_best(history, head)]
        best_score, best_step = own["validation"][head], own["step"]
        error = errors.get(head)
        heads[head] = KeptHead(score=score, error=error, best_score=best_score, best_step=best_step)
    return Kept(step=best["step"], score=best["score"], error=best.get("error"), heads=heads)


def sentence(history: History) -> str:
    """The same for a person."""
    found = kept(history)
    heads = ", ".join(_of_head(head, own) for head, own in found.heads.items())
    mean, end = _with_error(found.score, found.error), "" if found.error is None else " (± a standard error)"
    return f"best at step {found.step}, mean validation score {mean}: {heads}{end}"


def _of_head(head: str, own: KeptHead) -> str:
    said = f"{head} {_with_error(own.score, own.error)}"
    if own.best_score == own.score:
        return said
    return f"{said} (its best {own.best_score:.3f} at step {own.best_step})"


def _with_error(score: float, error: float | None) -> str:
    return f"{score:.3f}" if error is None else f"{score:.3f} ± {error:.3f}"


def _best(history: History, head: str) -> int:
    """The number of the evaluation that was a head's best, the first of equals."""
    return max(range(len(history)), key=lambda number: history[number]["validation"][head])
