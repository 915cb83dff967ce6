"""What several annotators say of one text: what most of them say, and how far they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean, median_low
from typing import Any

from components.data.sources.documents import Relation
from components.data.sources.offsets import Span


@dataclass(frozen=True)
class Answer:
    """What one annotator says: spans, whose ids say where and what they are, relations between them, and what
    was chosen for the whole text, by question."""

    spans: Sequence[Span] = ()
    relations: Sequence[Relation] = ()
    chosen: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def items(self) -> frozenset[Hashable]:
        """All of it, one by one."""
        chosen = [(name, str(value)) for name, values in self.chosen.items() for value in values]
        return frozenset([*(span["id"] for span in self.spans), *self.relations, *chosen])


def agreement(answers: Sequence[Answer]) -> float:
    """The mean F1 of every two annotators' answers (Hripcsak & Rothschild 2005), from 0 to 1; where each
    chooses one class, it is the share of pairs that choose the same."""
    return fmean(_f1(one.items, other.items) for one, other in combinations(answers, 2))


def _f1(one: frozenset[Hashable], other: frozenset[Hashable]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 1.0


def majority(answers: Sequence[Answer]) -> Answer | None:
    """Each span, relation and class that more than half say; of single classes the commonest, of numbers the
    median. None where two single classes are equally common."""
    chosen = {}
    for name in dict.fromkeys(name for answer in answers for name in answer.chosen):
        given = [list(answer.chosen.get(name, ())) for answer in answers]
        voted = _vote([values for values in given if values], len(answers))
        if voted is None:
            return None
        chosen[name] = voted
    spans = {span["id"]: span for answer in answers for span in answer.spans}
    kept = _most([{span["id"] for span in answer.spans} for answer in answers])
    links = _most([set(answer.relations) for answer in answers])
    sure = [link for link in links if link[0] in kept and link[1] in kept]
    return Answer([span for name, span in spans.items() if name in kept], sure, chosen)


def _vote(given: Sequence[list[Any]], voters: int) -> list[Any] | None:
    if all(len(values) == 1 for values in given):
        values = [value for (value,) in given]
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            return [median_low(values)]
        (first, most), *others = Counter(values).most_common()
        return None if others and others[0][1] == most else [first]
    counts = Counter(value for values in given for value in dict.fromkeys(values))
    return [value for value, count in counts.items() if 2 * count > voters]


def _most(sets: Sequence[set[Any]]) -> list[Any]:
    """What is in more than half of the sets, in the order of its first."""
    counts = Counter(one for each in sets for one in sorted(each))
    return [one for one, count in counts.items() if 2 * count > len(sets)]
