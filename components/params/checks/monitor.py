"""The tasks and the label of the monitor."""

from __future__ import annotations

from collections.abc import Sequence

from components import families
from components.errors import UserError, near_miss
from components.params.checks.files import ADDRESS
from components.settings.monitor import Articles, Monitor, Negative
from components.settings.project import Project
from components.spelling import unlike


def find(project: Project) -> Monitor:
    """What params.yaml says of the monitor.

    Raises:
        UserError: nothing.
    """
    if project.monitor is None:
        raise UserError("params.yaml: monitor: missing; docs/how-to/monitoring.md says what belongs there")
    return project.monitor


def check(where: str, project: Project) -> None:
    """The monitor's tasks read a text alone and answer with a label, and the label it counts is one.

    Raises:
        UserError: one sentence that begins with `where`, which is the section.
    """
    monitor, heads = find(project), project.heads()
    _articles(f"{where}.articles", monitor.articles)
    for key, head in (("topic", monitor.topic), ("negative.task", monitor.negative.task)):
        if head not in heads:
            near = near_miss(head, heads)
            raise UserError(f"{where}.{key}: no task '{head}'{near}; expected one of {', '.join(heads)}")
        name, annotation = heads[head]
        asked = families.get(project.tasks[name].family).request_fields(project.tasks[name].columns)
        if "label" not in families.get(annotation.family).response.model_fields or asked != ("text",):
            raise UserError(f"{where}.{key}: '{head}' does not answer a text with a label; choose another")
    labels = heads[monitor.negative.task][1].labels
    if labels is not None:
        check_label(f"{where}.negative.label", monitor.negative, labels)


def _articles(where: str, articles: Articles) -> None:
    """They lie here, though they may not have come yet."""
    if ADDRESS.match(articles.path) or not articles.path.strip():
        found = "an address" if articles.path.strip() else repr(articles.path)
        raise UserError(f"{where}.path: found {found}, expected a file or a folder here, which another fills")
    try:
        "".encode(articles.encoding)  # codecs knows some that are of no texts
    except (LookupError, ValueError):
        near = near_miss(articles.encoding, ["utf-8", "latin-1"])
        raise UserError(f"{where}.encoding: unknown encoding '{articles.encoding}'{near}") from None


def check_label(where: str, negative: Negative, labels: Sequence[str]) -> None:
    """Raise UserError where the label to be counted is not one of the task's labels."""
    if negative.label not in labels:
        hint = unlike(negative.label, labels)
        raise UserError(
            f"{where}: '{negative.task}' has no label '{negative.label}'{hint}; it has {', '.join(labels)}"
        )
