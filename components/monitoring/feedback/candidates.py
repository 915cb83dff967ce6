"""Which texts that the service was asked are worth a person's label: what is disputed, then what the model
was least sure of (uncertainty sampling, Lewis & Gale 1994)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.data.contract.accepted import spelled
from components.families.base import Row
from components.monitoring.traffic.asked import with_texts
from components.settings.traffic import Traffic


@dataclass
class Candidate:
    """A text that was asked."""

    request: str  # REQUEST/ITEM, of the last time
    inputs: Row
    answers: set[str]  # labels that releases and people gave it
    sure: float  # the least probability that an answer had; 1 where answers have none
    key: float  # random

    @property
    def order(self) -> tuple[int, float, float]:
        """The most answers first, then the least sure; where there is nothing to go by, as it falls."""
        return -len(self.answers), self.sure, self.key


def candidates(
    root: Path,
    traffic: Traffic | None,
    task: str,
    inputs: Collection[str],
    answered: Mapping[str, Collection[str]],
    known: Collection[str],
    limit: int,
) -> list[Candidate]:
    """So many texts of those that the traffic has kept, the best first.

    `inputs` are those of the task; `answered`: inputs as JSON (`spelled`) -> the answers of people that wait;
    `known` need no label.

    Raises:
        UserError: a file of traffic is damaged.
    """
    found: dict[str, Candidate] = {}
    for table in with_texts(root, traffic):
        label, sure = f"{task}.label", f"{task}.probability"
        for row in table.to_pylist():
            asked: Row = json.loads(row["inputs"])
            if set(asked) != set(inputs) or spelled(asked) in known:
                continue
            one = found.setdefault(spelled(asked), Candidate(row["request"], asked, set(), 1.0, row["key"]))
            one.request, one.sure = row["request"], min(one.sure, _number(row.get(sure)))
            one.answers |= {row[label]} if isinstance(row.get(label), str) else set()
    for asked_as, labels in answered.items():
        if asked_as in found:
            found[asked_as].answers |= set(labels)
    return sorted(found.values(), key=lambda one: one.order)[:limit]


def _number(value: object) -> float:
    return value if isinstance(value, float) else 1.0
