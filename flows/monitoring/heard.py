"""What accepted feedback says of the champion's answers, as the watch over its traffic hears it.

The champion is asked again what it was asked: it answers the same, whether the traffic was recorded or not.
Rows that it has learnt from say nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from components.monitoring.traffic.feedback import Feedback, Heard
from components.settings.project import Project

if TYPE_CHECKING:
    from serving.predictor import Predictor


class Accepted(NamedTuple):
    """A row that was accepted."""

    time: datetime
    values: Mapping[str, Any]  # role -> value


def feedback(root: Path, project: Project) -> Feedback:
    """Where feedback is, and what is no loss by the gates of the tasks."""
    return Feedback(margins={head: gate.margin for head, gate in project.gates().items()})


def accepted(root: Path, release: str) -> dict[str, int]:
    """task -> rows of feedback that were accepted since the release."""
    return {}


def judged(predictor: Predictor, task: str, rows: Sequence[Accepted]) -> Iterator[Heard]:
    """Each answer of the model to these rows, oldest first: right or wrong, and how sure it was. Of tasks
    that do not answer with a label and its probability, and of rows that it refuses, nothing."""
    from components import families
    from serving.requests import BadRequestError, Item

    card = predictor.cards.get(task)
    if card is None or not {"label", "probability"} <= {*families.get(card["family"]).response.model_fields}:
        return
    for row in sorted(rows, key=lambda one: one.time):
        question = Item.model_validate({name: row.values.get(name) for name in card["inputs"]})
        try:
            said = predictor.predict([question], [task])[0][task].model_dump()
        except BadRequestError:  # the limits of the service are others by now
            continue
        day, right = row.time.astimezone(UTC).date(), said["label"] == row.values.get("label")
        yield Heard(task, day, right, said["probability"])
