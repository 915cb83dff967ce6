"""`onetrunk feedback`: right answers that the service was sent become rows of the tasks, or not."""

from __future__ import annotations

import contextlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

from components import params
from components.data.contract import accepted
from components.data.contract.accepted import Accepted
from components.data.contract.excerpt import excerpt
from components.data.sources.record import Skipped
from components.errors import BadRowError, UserError, near_miss
from components.evaluation.summary import brief, words
from components.families.base import Row
from components.families.shared.spans import read_spans
from components.monitoring.feedback import candidates, exchange
from components.monitoring.feedback.judging import Judged, judge
from components.monitoring.feedback.records import Feedback
from components.monitoring.feedback.store import FullError, Store
from components.params.checks.feedback import find
from components.release import registry
from components.release.accepted import accepted_since
from components.settings.project import Project
from components.turn import turn

WIDTH = 100  # characters of a text or an answer
LOCK = Path(".onetrunk/feedback.lock")  # who decides, one at a time


def show(root: Path, tasks: Collection[str], limit: int) -> int:
    """Print how much waits and was accepted, what cannot be accepted, and the newest."""
    project = params.load()
    judged = _of_tasks(judge(root, project, _store(root, project)), tasks)
    release = registry.read(root).champion
    since = accepted_since(release.version if release else None, root)
    waiting = Counter(one.said.task for one in judged if one.said)
    named = f"since {release.version}" if release else "in all"
    for task in sorted({*waiting, *since} & {*tasks} if tasks else {*waiting, *since}):
        print(f"{task}: {waiting[task]} waiting, {since.get(task, 0)} accepted {named}")
    if not waiting and not since:
        print("no feedback waits, and none was accepted")
    _print("cannot be accepted", [one for one in judged if one.problem], limit)
    _print("need a look", [one for one in judged if not one.problem and not one.is_clear], limit)
    _print("can be accepted", [one for one in judged if one.is_clear], limit)
    return 0


def _print(what: str, judged: Sequence[Judged], limit: int) -> None:
    """The newest of them."""
    if judged:
        print(f"\n{len(judged)} {what}" + (f", the newest {limit}:" if len(judged) > limit else ":"))
    for one in list(reversed(judged))[:limit]:
        print("\n".join(_lines(one)))


def _lines(one: Judged) -> list[str]:
    others = f"{one.others} other answer{'' if one.others == 1 else 's'} to the same" if one.others else ""
    why = [f"    {excerpt(reason, 3 * WIDTH)}" for reason in (one.problem, one.new, others) if reason]
    if one.said is None:
        return [f"  {one.key}", *why]
    asked = [f"    {name}: {excerpt(words(value), WIDTH)}" for name, value in (one.inputs or {}).items()]
    right = f"    right: {excerpt(_right(one.said.answer, one.inputs or {}), WIDTH)}"
    return [f"  {one.key}  {one.said.prediction}  {one.said.received}", *asked, right, *why]


def _right(answer: Row, inputs: Row) -> str:
    """The answer in words; a span by what stands there, for nobody who accepts it counts characters."""
    with contextlib.suppress(BadRowError, KeyError):  # spans that cannot be read are shown as they came
        spans = read_spans(answer["spans"], inputs["text"])
        answer = {**answer, "spans": [f"{kind} {inputs['text'][start:end]}" for start, end, kind in spans]}
    return brief(answer)


def accept(root: Path, tasks: Collection[str], ids: Sequence[str], new: bool) -> int:
    """Make rows of what waits: what is clear, or what is named by its id. With `new`, what has a label that
    the task's data have not, as well."""
    _require_pipeline(root)
    project = params.load()
    store = _store(root, project)
    with turn(root / LOCK):
        chosen = _chosen(judge(root, project, store), tasks, ids)
        _require_one_answer(chosen if ids else [])
        if refused := next((one for one in chosen if ids and one.problem), None):
            raise UserError(f"{refused.key}: cannot be accepted: {refused.problem}; reject it")
        taken = [
            one for one in chosen if not one.problem and (ids or not one.others) and (new or not one.new)
        ]
        if ids and len(taken) < len(chosen):
            left = next(one for one in chosen if one not in taken)
            raise UserError(f"{left.key}: {left.new}; accept it with --new if the label is meant")
        _write(root, taken)
        for one in taken:
            store.decide(one.key)
    _say("accepted", taken)
    if waiting := len(chosen) - len(taken):
        print(f"{waiting} wait for a look: `onetrunk feedback`")
    if taken:
        print(f"the next `onetrunk run` trains on them; they are in {accepted.FOLDER}/, which git can keep")
    return 0


def _require_one_answer(named: Sequence[Judged]) -> None:
    """Refuse a prediction's id under which several answers wait: all would be rows, and the newest count.

    Raises:
        UserError: there are several.
    """
    counts = Counter(one.said.prediction for one in named if one.said)
    for prediction, count in counts.items():
        if count > 1:
            raise UserError(
                f"{prediction}: {count} answers wait under this id; name one by its own, which "
                f"`onetrunk feedback` shows"
            )


def _require_pipeline(root: Path) -> None:
    """Check that the pipeline reads what is accepted.

    Raises:
        UserError: it is an earlier version's.
    """
    pipeline = root / "dvc.yaml"
    if not re.search(rf"^\s*- {accepted.FOLDER}$", pipeline.read_text(encoding="utf-8"), re.MULTILINE):
        raise UserError(
            f"{pipeline}: made by an earlier version, whose stage `declare` does not depend on "
            f"{accepted.FOLDER}/; run `onetrunk upgrade` once, which brings the pipeline to this one"
        )


def _write(root: Path, taken: Sequence[Judged]) -> None:
    """Add the rows to the files of their tasks."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    rows: dict[str, list[Accepted]] = defaultdict(list)
    for one in taken:
        if one.said and one.inputs is not None:
            row = Accepted(
                id=one.key, time=now, head=one.said.task, inputs=one.inputs, answer=one.said.answer
            )
            rows[one.task].append(row)
    for task, own in rows.items():
        accepted.add(accepted.file_of(root / accepted.FOLDER, task), own)


def reject(root: Path, tasks: Collection[str], ids: Sequence[str]) -> int:
    """Let what was named wait no more."""
    project = params.load()
    store = _store(root, project)
    with turn(root / LOCK):
        chosen = _chosen(judge(root, project, store), tasks, ids)
        for one in chosen:
            store.decide(one.key)
    _say("rejected", chosen)
    return 0


def export(root: Path, task: str, file: Path, kind: str, limit: int) -> int:
    """Write the texts that are worth a label into a file for a labelling tool."""
    project = params.load()
    if project.traffic is None or not project.traffic.texts:
        raise UserError(
            "params.yaml: traffic.texts is not true, so no text is recorded that could be labelled; "
            "see docs/how-to/feedback.md"
        )
    _, inputs = _reads(project, task)
    answered: dict[str, set[str]] = defaultdict(set)
    for one in judge(root, project, _store(root, project)):
        if one.said and one.said.task == task and one.inputs is not None and not one.problem:
            answered[accepted.spelled(one.inputs)].add(str(one.said.answer.get("label", one.said.answer)))
    owner = project.heads()[task][0]
    done = accepted.read(accepted.file_of(root / accepted.FOLDER, owner))
    known = {accepted.spelled(row.inputs) for row in done if row.head == task}
    found = candidates.candidates(root, project.traffic, task, inputs, answered, known, limit)
    if not found:
        print(
            f"no candidates: no text for {task} in {project.traffic.folder}/ is without a label; {file} is "
            f"not written"
        )
        return 0
    exchange.write(file, kind, found)
    print(f"{file}: {len(found)} texts for {kind}")
    return 0


def bring(root: Path, task: str, file: Path, kind: str | None) -> int:
    """Take in what a labelling tool has exported; it waits to be accepted."""
    project = params.load()
    family, inputs = _reads(project, task)
    store = _store(root, project)
    read = list(exchange.read(file, kind, task, family, inputs))
    found = [one for one in read if isinstance(one, Feedback)]
    try:
        new = sum(store.add(one) for one in found)
    except FullError:
        raise UserError(
            f"params.yaml: feedback.max_bytes: {store.max_bytes} bytes are taken by what waits; accept or "
            f"reject some, or raise it; then give the same command again"
        ) from None
    print(f"{file}: {len(found)} answers, {new} of them new; `onetrunk feedback accept` makes rows of them")
    for reason, count in Counter(one.reason for one in read if isinstance(one, Skipped)).items():
        print(f"left out, {count}: {reason}")
    return 0


def _reads(project: Project, head: str) -> tuple[str, list[str]]:
    """The family of a task, and the fields of a question to it.

    Raises:
        UserError: there is no such task, or nobody can answer it.
    """
    from components import families

    heads = project.heads()
    if head not in heads:
        raise UserError(f"--task: no task '{head}' in params.yaml{near_miss(head, heads)}")
    owner, annotation = heads[head]
    task = project.tasks[owner]
    if not families.get(annotation.family).targets:
        raise UserError(f"--task: {head} learns from texts alone, and nobody can answer it")
    return annotation.family, list(families.get(task.family).request_fields(task.columns))


def _store(root: Path, project: Project) -> Store:
    settings = find(project)
    return Store(root / settings.folder, settings.max_bytes)


def _of_tasks(judged: Sequence[Judged], tasks: Collection[str]) -> list[Judged]:
    return [one for one in judged if not tasks or (one.said is not None and one.said.task in tasks)]


def _chosen(judged: Sequence[Judged], tasks: Collection[str], ids: Sequence[str]) -> list[Judged]:
    """What is named by its key, or by its prediction; without a name all.

    Raises:
        UserError: nothing waits under a name.
    """
    of_tasks = _of_tasks(judged, tasks)
    if not ids:
        return of_tasks
    names = {one.key: one.said.prediction if one.said else one.key for one in of_tasks}
    for name in ids:
        if name not in names and name not in names.values():
            near = near_miss(name, [*names, *names.values()])
            raise UserError(f"nothing waits under the id '{name:.80}'{near}; `onetrunk feedback` has the ids")
    return [one for one in of_tasks if one.key in ids or names[one.key] in ids]


def _say(what: str, judged: Sequence[Judged]) -> None:
    counts = Counter(one.said.task if one.said else "damaged files" for one in judged)
    print(f"{what}: " + (", ".join(f"{count} of {task}" for task, count in sorted(counts.items())) or "none"))
