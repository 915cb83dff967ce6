"""What several annotators say of one text: what most of them say, and how far they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations
from statistics import fmean, median_low
from typing import Any, TypeVar

from components.data.sources.documents import Relation
from components.data.sources.offsets import Span

T = TypeVar("T")


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
    median. None where they are undecided: two single classes are equally common, or half of them or more say
    that something is there, and more than half of nothing what."""
    chosen = {}
    for name in dict.fromkeys(name for answer in answers for name in answer.chosen):
        given = [list(answer.chosen.get(name, ())) for answer in answers]
        voted = _vote([values for values in given if values], len(answers))
        if voted is None:
            return None
        chosen[name] = voted
    spans = {span["id"]: span for answer in answers for span in answer.spans}
    kept = _most([{span["id"] for span in answer.spans} for answer in answers])
    sure = [[link for link in answer.relations if {*link[:2]} <= {*kept}] for answer in answers]
    links = _most([set(each) for each in sure])
    if _is_open([answer.spans for answer in answers], [spans[name] for name in kept], _overlap):
        return None
    if _is_open(sure, links, _have_the_same_ends):
        return None
    return Answer([span for name, span in spans.items() if name in kept], links, chosen)


def _is_open(
    said: Sequence[Sequence[T]], kept: Sequence[T], are_at_one_place: Callable[[T, T], bool]
) -> bool:
    """Is there a place of which half or more say something, and more than half nothing that is the same?
    That nothing is there would be said by no more."""
    for one in chain.from_iterable(said):
        if not any(are_at_one_place(one, other) for other in kept):
            voters = sum(any(are_at_one_place(one, other) for other in each) for each in said)
            if 2 * voters >= len(said):
                return True
    return False


def _overlap(one: Span, other: Span) -> bool:
    return bool(one["start"] < other["end"] and other["start"] < one["end"])


def _have_the_same_ends(one: Relation, other: Relation) -> bool:
    return one[:2] == other[:2]


def _vote(given: Sequence[list[Any]], voters: int) -> list[Any] | None:
    if all(len(values) == 1 for values in given):
        values = [value for (value,) in given]
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            return [median_low(values)]
        (first, most), *others = Counter(values).most_common()
        return None if others and others[0][1] == most else [first]
    counts = Counter(value for values in given for value in dict.fromkeys(values))
    kept = [value for value, count in counts.items() if 2 * count > voters]
    return kept if kept or 2 * len(given) < voters else None  # who says "none" is not in `given`


def _most(sets: Sequence[set[Any]]) -> list[Any]:
    """What is in more than half of the sets, in the order of its first."""
    counts = Counter(one for each in sets for one in sorted(each))
    return [one for one, count in counts.items() if 2 * count > len(sets)]
