"""What params.yaml says of the monitor: where new articles appear, what is counted, when it is a surge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from components import tasks
from components.errors import UserError, near_miss
from components.section import Positive, Section

if TYPE_CHECKING:
    from components.settings import Project


class ArticleColumns(Section):
    """The columns of a table of articles; a text file is one article, published when it was written."""

    text: str = "text"
    published: str | None = None  # ISO 8601, UTC where it names no zone; without it, when it is first seen
    id: str | None = None  # without it, articles with the same words are one


class Articles(Section):
    """Where new articles appear."""

    path: str  # a table (.csv, .tsv, .jsonl, .parquet), or a folder of tables and .txt files
    columns: ArticleColumns = ArticleColumns()
    encoding: str = "utf-8"


class Negative(Section):
    """The answer that is counted."""

    task: str
    label: str


class Monitor(Section):
    """A watch for surges of negative news on a topic (docs/monitoring.md)."""

    articles: Articles
    topic: str  # the task whose label says what an article is about
    negative: Negative
    window_hours: Positive = 24  # articles are counted by window, and a window is judged once it has ended
    history_windows: Positive = 60  # that a window is compared with: those right before it
    min_windows: Annotated[int, Field(ge=5)] = 10  # of them, with articles on the topic; fewer: no verdict
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.01  # false discovery rate over the topics of a window

    @model_validator(mode="after")
    def _history_holds_the_least(self) -> Monitor:
        if self.min_windows > self.history_windows:
            raise ValueError(
                f"min_windows {self.min_windows} is above history_windows {self.history_windows}"
            )
        return self

    @property
    def window(self) -> timedelta:
        """The length of a window."""
        return timedelta(hours=self.window_hours)


def find(project: Project) -> Monitor:
    """What params.yaml says of the monitor.

    Raises:
        UserError: nothing.
    """
    if project.monitor is None:
        raise UserError("params.yaml: monitor: missing; docs/monitoring.md says what belongs there")
    return project.monitor


def check(where: str, project: Project) -> None:
    """The monitor's tasks read a text alone and answer with a label, and the label it counts is one.

    Raises:
        UserError: one sentence that begins with `where`, which is the section.
    """
    monitor, heads = find(project), project.heads()
    for key, head in (("topic", monitor.topic), ("negative.task", monitor.negative.task)):
        if head not in heads:
            near = near_miss(head, heads)
            raise UserError(f"{where}.{key}: no task '{head}'{near}; expected one of {', '.join(heads)}")
        name, annotation = heads[head]
        asked = tasks.get(project.tasks[name].family).asked(project.tasks[name].columns)
        if "label" not in tasks.get(annotation.family).response.model_fields or asked != ("text",):
            raise UserError(f"{where}.{key}: '{head}' does not answer a text with a label; choose another")
    labels = heads[monitor.negative.task][1].labels
    if labels is not None:
        check_label(f"{where}.negative.label", monitor.negative, labels)


def check_label(where: str, negative: Negative, labels: Sequence[str]) -> None:
    """Raise UserError where the label to be counted is not one of the task's labels."""
    if negative.label not in labels:
        near = near_miss(negative.label, labels)
        raise UserError(
            f"{where}: '{negative.task}' has no label '{negative.label}'{near}; it has {', '.join(labels)}"
        )
