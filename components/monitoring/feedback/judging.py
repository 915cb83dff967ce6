"""What waits, judged as rows of the tasks are: what cannot be accepted, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from components.data.contract.accepted import spelled
from components.data.contract.cards import TASK_CARD, task_card
from components.data.ingest.accepted import reader_of, record_of
from components.data.ingest.reader import Reader
from components.errors import BadRowError, UserError, near_miss
from components.families.base import Row
from components.monitoring.feedback.records import Feedback
from components.monitoring.feedback.store import Store
from components.monitoring.traffic.asked import inputs_of
from components.settings.project import Annotation, Project


@dataclass(frozen=True)
class Judged:
    """A right answer that waits."""

    key: str
    said: Feedback | None = None  # None where its file is damaged
    task: str = ""  # whose rows it would be one of
    inputs: Row | None = None  # what was asked
    problem: str = ""  # why it cannot be a row
    new: str = ""  # what the labels that there are have against it; a person may mean a new one
    others: int = 0  # that answer the same differently

    @property
    def is_clear(self) -> bool:
        """Whether nobody need look at it."""
        return not (self.problem or self.new or self.others)


def judge(root: Path, project: Project, store: Store) -> list[Judged]:
    """All that waits, oldest first.

    Raises:
        UserError: a file that some task needs, or one of the traffic, is damaged.
    """
    found = list(store.all_waiting())
    said = [one for _, one in found if isinstance(one, Feedback)]
    unsaid = {f"{one.request}/{one.item}" for one in said if one.inputs is None}
    asked = inputs_of(root, project.traffic, unsaid)
    judges: dict[str, _Judge] = {}
    judged = []
    for key, one in found:
        if isinstance(one, UserError):
            judged.append(Judged(key, problem=str(one)))
            continue
        judge = judges.setdefault(one.task, _Judge(root, project, one.task))
        judged.append(judge.judged(key, one, asked))
    judged.sort(key=lambda each: each.said.received if each.said else "")
    return _disputed(judged)


def _disputed(judged: Sequence[Judged]) -> list[Judged]:
    """The same, each with the number of other answers to the same question."""
    answers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in judged:
        if one.said and not one.problem:
            answers[_question(one)].add(spelled(one.said.answer))
    return [replace(one, others=max(len(answers[_question(one)]) - 1, 0)) for one in judged]


def _question(one: Judged) -> tuple[str, str]:
    return one.said.task if one.said else "", spelled(one.inputs or {})


class _Judge:
    """Judges answers of one head."""

    def __init__(self, root: Path, project: Project, head: str) -> None:
        self.root, self.project, self.head = root, project, head

    def judged(self, key: str, said: Feedback, asked: Mapping[str, Sequence[Row]]) -> Judged:
        """One of them; `asked`: REQUEST/ITEM -> what was recorded of it."""
        heads = self.project.heads()
        if self.head not in heads:
            near = near_miss(self.head, heads)
            return Judged(key, said, problem=f"no task '{self.head}' in params.yaml{near}")
        task, annotation = heads[self.head]
        recorded = asked.get(f"{said.request}/{said.item}", [])
        inputs = said.inputs if said.inputs is not None else (recorded[0] if len(recorded) == 1 else None)
        if inputs is None:
            found = f"{len(recorded)} different texts were" if recorded else "no text was"
            return Judged(key, said, task, problem=f"{found} recorded under this id, and none was sent")
        one = Judged(key, said, task, inputs)
        try:
            record = record_of(task, said.prediction, key, inputs, {self.head: said.answer})
            row = self.reader.read(record)
        except BadRowError as error:
            return replace(one, problem=str(error))
        return self._checked(one, row, annotation)

    @cached_property
    def reader(self) -> Reader:
        """Of the task whose rows the head reads."""
        task = self.project.heads()[self.head][0]
        return reader_of(task, self.project.tasks[task])

    def _checked(self, one: Judged, row: Row, annotation: Annotation) -> Judged:
        """What the labels that there are have against it; a declared set is closed."""
        head = next(head for head in self.reader.heads if head.name == self.head)
        card = self.root / "data" / one.task
        known = task_card(card).heads.get(self.head) if (card / TASK_CARD).is_file() else None
        view = self.reader.view(row, head)
        if known is None or view is None:
            return one
        try:
            head.family.check_row(view, known.facts)
        except BadRowError as error:
            if annotation.labels is None:
                return replace(one, new=str(error))
            column = head.family.class_column(head.read_options)
            if not column or not _classes(head.family.class_of, view[column]) <= {*annotation.labels, "O"}:
                return replace(one, problem=str(error))
        return one


def _classes(class_of: Callable[[str], str], value: str | list[str]) -> set[str]:
    return {class_of(label) for label in ([value] if isinstance(value, str) else value)}
