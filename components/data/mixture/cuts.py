"""What it costs a service that tasks cut the same texts at different lengths.

Tasks that read a text as the same tokens share a pass of the encoder. A text that is longer than the
`max_length` of one of them is another sequence for each longer one, and passes once for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from components.data.contract.cards import TaskCard, task_card
from components.data.encoding.split import EncodedSplit
from components.data.mixture.outlook import Warned
from components.data.mixture.records import PlanRecord

NOTICED = 1.1  # times the tokens; less than that costs a service little


def warnings(plan: PlanRecord, root: Path) -> list[Warned]:
    """The tasks whose texts pass through the encoder several times where all that read them are asked.

    Raises:
        UserError: the card of an encoded task is missing, or of another version.
    """
    served = [name for name, task in plan.tasks.items() if not task.auxiliary]
    cards = [task_card(root / "encoded" / name) for name in served]
    alike = groupby(sorted(cards, key=lambda card: card.inputs), key=lambda card: card.inputs)
    return [warned for _, group in alike for warned in _repeated(list(group), root)]


def _repeated(cards: Sequence[TaskCard], root: Path) -> Iterator[Warned]:
    """What tasks of the same inputs make a service read more than once."""
    cuts = sorted({card.max_length for card in cards})
    times = {card.task: _times(root / "encoded" / card.task, card.max_length, cuts) for card in cards}
    dear = {task: value for task, value in times.items() if value > NOTICED}
    if dear:
        tokens = " and ".join(f"{value:.1f} times the tokens of {task}" for task, value in dear.items())
        yield Warned(
            f"tasks that read the same texts cut them at {', '.join(map(str, cuts[:-1]))} and {cuts[-1]} "
            "tokens, so a service passes a longer text through the encoder once for each, and reads about "
            f"{tokens}; where all have one max_length it reads them once",
            tuple(f"tasks.{task}.max_length" for task in dear),
        )


def _times(folder: Path, own: int, cuts: Sequence[int]) -> float:
    """How many times the tokens of a task's rows a service reads that reads them at each of the cuts. Of a
    row that is as long as its `own` cut no more is known, so it counts as one that is hardly longer."""
    if len(cuts) < 2:
        return 1.0
    lengths_N = EncodedSplit(folder / "train.arrow").lengths.astype(np.int64)
    again = sum(int((lengths_N > cut).sum()) * cut for cut in cuts if cut < own)
    if own < cuts[-1]:
        again += int((lengths_N >= own).sum()) * own
    return 1 + again / max(1, int(lengths_N.sum()))
