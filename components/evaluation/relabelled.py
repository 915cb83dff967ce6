"""Labels that have come and gone, read as those of before: a new name takes no row out of the comparison.

A row whose label only one of champion and candidate knows is no common ground (`common.py`). So whoever
renames a class on which a model fails, splits it or adds it to another would take its rows away. They are
compared besides, with each label that has come read as the one by which the champion knows its rows:

- the label that is gone which the champion gives them more often than it gives it at all, by more than chance
  (Fisher's exact test, 1922), and by the most: a rename, a split, or several labels made one;
- or the label that is still there which it gives to more than half of them: a part of that, cut off;
- and each other label that is gone as the one that is there whose rows are given it, by the first rule.

What a label is read as follows from the champion's answers to these very rows, in its favour. A label that
nothing stands for is new, and its rows stay out. Legend: N rows, P pairs of a gold label and one said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from components.data.contract.cards import HeadCard
from components.evaluation.common import CommonGround, ground
from components.evaluation.gates.base import Case
from components.evaluation.gates.measure import finding, measured
from components.evaluation.records import RELABELLED, Finding
from components.families.base import Facts, Family, Prediction, Row
from components.families.base.capabilities import NamedLabels, OneClassEach
from components.families.shared.changes import come_and_gone
from components.families.shared.changes import said as listed

CHANCE = 0.05  # that a label is said of another's rows as often as it is though they have nothing in common
MOST = 0.5  # of a new label's rows: an old one that is said of more of them stood for them


@dataclass(frozen=True)
class Relabelled:
    """What a champion and a candidate are compared by whose label sets differ."""

    names: Mapping[str, str]  # of labels that one of them does not know -> as what they are read
    ground: CommonGround  # where both can answer then
    read: Callable[[Sequence[Row]], list[Row]]  # rows, or answers, with labels so read


def relabelled(
    family: Family,
    known: Facts,
    facts: Facts,
    rows: Sequence[Row],
    said: Sequence[Prediction],
    trained_on_N: np.ndarray,
) -> Relabelled | None:
    """How labels are read where a champion has learnt the facts `known`, today's are `facts`, and it has
    `said` this of the rows; `trained_on_N`, of bool, are those that it has learnt. None where the label sets
    are the same, or nothing in them stands for another, or the family's labels are no names."""
    if not isinstance(family, NamedLabels):
        return None
    before, now = family.label_set(known), family.label_set(facts)
    names = Pairs.of(family, facts, rows, said).names(before, now) if before.keys() != now.keys() else {}
    if not names:
        return None

    def read(side: Sequence[Row]) -> list[Row]:
        return [family.relabelled(one, names, facts) for one in side]

    learnt, today = _facts(known, names), _facts(facts, names)
    found = ground(family, learnt, today, read(rows), read(said), trained_on_N)
    changed = f"the label set changed: {come_and_gone(before, now)}; read as before: {_listed(names)}"
    return Relabelled(names, replace(found, changed=changed), read)


def findings(case: Case, found: Relabelled | None) -> Iterator[Finding]:
    """The comparison by the gate's metric, with its margin."""
    if found is None:
        return
    said = {who: found.read(side) for who, side in case.said.items()}
    card: HeadCard = {**case.card, "facts": _facts(case.facts, found.names)}
    read = replace(case, rows=found.read(case.rows), said=said, card=card, common=found.ground)
    score = measured(read, lambda asked: asked.by(case.metric))
    yield finding(read, RELABELLED, f"read as before: {_listed(found.names)}", score, margin=case.gate.margin)


def _facts(facts: Facts, names: Mapping[str, str]) -> Facts:
    return {**facts, "labels": list(dict.fromkeys(names.get(one, one) for one in facts["labels"]))}


def _listed(names: Mapping[str, str]) -> str:
    return listed(f"{label} as {old}" for label, old in names.items())


@dataclass(frozen=True)
class Pairs:
    """How often something of this label was given that one."""

    together: Counter[tuple[str, str]]  # (gold, said)
    gold: Counter[str]
    said: Counter[str]
    count: int  # of whatever has labels: rows, or words

    @classmethod
    def of(cls, family: Family, facts: Facts, rows: Sequence[Row], said: Sequence[Prediction]) -> Pairs:
        """Of words or rows that have one label each, or of rows with several."""
        found = [one for pair in zip(rows, said, strict=True) for one in _labels(family, facts, *pair)]
        return cls(
            together=Counter((one, other) for golds, answers in found for one in golds for other in answers),
            gold=Counter(one for golds, _ in found for one in golds),
            said=Counter(one for _, answers in found for one in answers),
            count=len(found),
        )

    def names(self, before: Collection[str], now: Collection[str]) -> dict[str, str]:
        """A label that has come, or is gone -> as what it is read."""
        stayed = set(before) & set(now)
        come, gone = set(now) - stayed, set(before) - stayed
        found = {
            one: old
            for one, old in self._beyond_chance(come, stayed)
            if self.together[one, old] > MOST * self.gold[one]
        }
        found |= dict(self._beyond_chance(come, gone))
        for one, old in self._beyond_chance(set(now), gone - set(found.values())):
            found[old] = found.get(one, one)
        return found

    def _beyond_chance(self, golds: Collection[str], said: Collection[str]) -> list[tuple[str, str]]:
        """The pairs of these labels that are together more often than chance would have it, those last that
        are by the most."""
        pairs = (one for one in self.together if one[0] in golds and one[1] in said)
        return sorted((one for one in pairs if self._p(*one) < CHANCE), key=lambda one: self._excess(*one))

    def _excess(self, gold: str, said: str) -> float:
        return self.together[gold, said] - self.gold[gold] * self.said[said] / self.count

    def _p(self, gold: str, said: str) -> float:
        """Fisher's, one-sided."""
        from scipy.stats import hypergeom

        together = self.together[gold, said]
        return float(hypergeom.sf(together - 1, self.count, self.gold[gold], self.said[said]))


def _labels(family: Family, facts: Facts, row: Row, said: Prediction) -> Iterator[tuple[set[str], set[str]]]:
    """(gold, said) of all that has labels in a row."""
    if isinstance(family, OneClassEach):
        yield from (({gold}, {answer}) for gold, answer in family.class_pairs(row, said, facts))
    else:
        yield set(family.labels_of(row, facts)), set(family.labels_of(said, facts))
