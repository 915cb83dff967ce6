"""Cards: what is known of a task and of its heads beside their rows.

A `TaskCard` is the file beside a task's rows, and beside its tokens. A `HeadCard` is what a model's
configuration carries of one head. What a Bento says of itself is a `BundleCard` (`release/records.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from components.families.base import Facts
from components.records import Part, Record

TASK_CARD = "task.json"


class HeadCard(TypedDict):
    """What a model knows of a head: JSON, since transformers keeps it in config.json."""

    family: str
    facts: Facts
    task: str  # whose rows it reads
    max_length: int  # in tokens
    inputs: list[str]  # the fields of a question


HeadCards = Mapping[str, HeadCard]  # by the head's name


class TaskHead(Part):
    """A head of a task."""

    family: str  # what kind of question it is
    facts: Facts  # what its family learnt from the training rows, and its options
    rows: dict[str, int]  # that have its target, by split


class TaskCard(Record):
    """data/TASK/task.json: what is known of a task beside its rows; encoded/TASK/task.json is the same with
    what was learnt from the encoder and the tokens."""

    task: str  # its name
    max_length: int  # in tokens; a longer text is cut
    inputs: list[str]  # the fields of a question
    rows: dict[str, int]  # by split
    heads: dict[str, TaskHead]  # what the rows are asked; the task's own head comes first

    def head_cards(self) -> dict[str, HeadCard]:
        """The cards of its heads, by name, as a model's configuration carries them."""
        return {
            name: HeadCard(
                family=head.family,
                facts=head.facts,
                task=self.task,
                max_length=self.max_length,
                inputs=self.inputs,
            )
            for name, head in self.heads.items()
        }


def task_card(folder: Path) -> TaskCard:
    """The card of a task's folder, that of its rows or that of its tokens.

    Raises:
        UserError: it is missing, or of another version.
    """
    return TaskCard.read(folder / TASK_CARD)
