"""What accepted feedback says of the champion's answers, as the watch over its traffic hears it.

The champion is asked again what it was asked: it answers the same, whether the traffic was recorded or not.
Rows that it has learnt from say nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from components.data.contract.accepted import FOLDER, Accepted, spelled
from components.data.contract.cards import HeadCard
from components.monitoring.traffic.feedback import Feedback, Heard
from components.release import registry
from components.release.accepted import rows_since
from components.settings.project import Project

if TYPE_CHECKING:
    from serving.predictor import Predictor


def feedback(root: Path, project: Project) -> Feedback:
    """Where feedback is, and what is no loss by the gates of the tasks."""
    margins = {head: gate.margin for head, gate in project.gates().items()}
    return Feedback(cache(partial(_heard, root)), margins)


def _heard(root: Path, release: str) -> list[Heard]:
    """Of the answers of a release: of none but the champion's."""
    if not any((root / FOLDER).glob("*.jsonl")):
        return []
    champion = registry.read(root).champion
    if champion is None or champion.version != release or not (rows := rows_since(release, root)):
        return []
    from serving.predictor import Predictor

    predictor = Predictor(registry.open_champion(champion.record.identity, root))
    return list(judged(predictor, [row for found in rows.values() for row in found]))


def judged(predictor: Predictor, rows: Sequence[Accepted]) -> Iterator[Heard]:
    """Each answer of the model to these rows, oldest first: right or wrong, and how sure it was. Of tasks
    that do not answer with a label and its probability, and of rows that it refuses, nothing. A question
    counts once: twenty who complain of one answer have seen one mistake."""
    from serving.requests import BadRequestError, Item

    heads = {head for head, card in predictor.cards.items() if _says_how_sure(card)}
    known = sorted(
        (row for row in rows if row.head in heads), key=lambda one: datetime.fromisoformat(one.time)
    )
    for row in _first_of_each_question(known):
        try:
            said = predictor.predict([Item.model_validate(row.inputs)], [row.head])[0][row.head].model_dump()
        except (BadRequestError, ValueError):  # the questions or the limits of this release are others
            continue
        day = datetime.fromisoformat(row.time).astimezone(UTC).date()
        yield Heard(row.head, day, said["label"] == row.answer.get("label"), said["probability"])


def _first_of_each_question(rows: Sequence[Accepted]) -> Iterator[Accepted]:
    asked = set()
    for row in rows:
        question = row.head, spelled(row.inputs)
        if question not in asked:
            asked.add(question)
            yield row


def _says_how_sure(card: HeadCard) -> bool:
    from components import families

    return {"label", "probability"} <= {*families.get(card["family"]).response.model_fields}
