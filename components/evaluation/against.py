"""Whom a candidate is measured against: the champion, and the releases that its heads are anchored to."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from components import families
from components.data.contract.cards import HeadCard, HeadCards
from components.evaluation.answered import without_number
from components.evaluation.champion import Opponent
from components.evaluation.common import CommonGround, ground
from components.evaluation.records import AnchorEvidence, ChampionEvidence, RowsSince
from components.evaluation.relabelled import Relabelled, relabelled
from components.families.base import Prediction, Row

CHAMPION, ANCHOR = "champion", "anchor"  # what a release is to a head
Meetings = dict[str, "Meeting"]  # by what the release is to the head


@dataclass(frozen=True)
class Meeting:
    """A release on a head's test rows."""

    said: list[Prediction]  # of every row
    ground: CommonGround  # where both can answer
    since: RowsSince | None  # what has become of the test rows; None where the release does not know its own
    relabelled: Relabelled | None = None  # where both can answer once labels are read as those of before
    read_as: bool = False  # is that the ground?

    @property
    def widest(self) -> Meeting:
        """The same where labels are read as those of before, if they can be."""
        return self if self.relabelled is None else replace(self, ground=self.relabelled.ground, read_as=True)

    def read(self, side: Sequence[Row]) -> Sequence[Row]:
        """Rows, or answers, as they are compared there."""
        return self.relabelled.read(side) if self.read_as and self.relabelled else side

    @property
    def nothing(self) -> str | None:
        """Why that makes no comparison; None where it does."""
        if without_number(self.said, lambda number: not math.isnan(number)) is not None:
            return "a number in its answers is none"
        return self.ground.too_little


@dataclass
class Against:
    """The releases that a candidate meets, and why some heads of theirs cannot be compared."""

    champion: Opponent | None  # none before the first release
    anchors: dict[str, Opponent]  # by head
    not_compared: dict[tuple[str, str], str] = field(default_factory=dict)  # (what it is, head) -> why

    def find_differences(self, cards: HeadCards) -> None:
        """Note which heads differ from the candidate's, whose cards these are, so that nobody asks them."""
        for head, card in cards.items():
            for what, opponent in self._opponents(head):
                if why := opponent.why_not(head, card, must=what == ANCHOR):
                    self.not_compared[what, head] = why

    def meet(self, data: Path, cards: HeadCards, rows: Mapping[str, list[Row]]) -> dict[str, Meetings]:
        """head -> its meetings, on the test rows of data/<task>."""
        said = self._ask(data, cards)
        found: dict[str, Meetings] = {head: {} for head in cards}
        for head, card in cards.items():
            for what, opponent in self._opponents(head):
                answers = said.get(opponent.release.release, {})
                if head in answers and (what, head) not in self.not_compared:
                    meeting = _meeting(opponent, head, card, data, rows[head], answers[head])
                    meeting = meeting.widest if what == ANCHOR else meeting
                    if why := meeting.nothing:
                        self.not_compared[what, head] = why
                    else:
                        found[head][what] = meeting
            if CHAMPION in found[head] and self._is_anchored_to_champion(head):
                found[head][ANCHOR] = found[head][CHAMPION]
        return found

    def champion_evidence(self) -> ChampionEvidence | None:
        """What the champion is, the heads that it answers, and why some of them cannot be compared."""
        if self.champion is None:
            return None
        return ChampionEvidence(
            **self.champion.release.model_dump(),
            heads=list(self.champion.cards),
            not_compared={head: why for (what, head), why in self.not_compared.items() if what == CHAMPION},
            bar=self.champion.bar,
        )

    def anchor_evidence(self, heads: Collection[str]) -> dict[str, AnchorEvidence]:
        """What these heads are anchored to, and why some were not compared with that."""
        return {
            head: AnchorEvidence(
                **opponent.release.model_dump(), not_compared=self.not_compared.get((ANCHOR, head))
            )
            for head, opponent in self.anchors.items()
            if head in heads
        }

    def _opponents(self, head: str) -> Iterator[tuple[str, Opponent]]:
        """The releases that a head meets, each with what it is to it."""
        if self.champion is not None:
            yield CHAMPION, self.champion
        if head in self.anchors and not self._is_anchored_to_champion(head):
            yield ANCHOR, self.anchors[head]

    def _is_anchored_to_champion(self, head: str) -> bool:
        """Then they are met once."""
        anchor = self.anchors.get(head)
        return bool(anchor and self.champion and anchor.release == self.champion.release)

    def _ask(self, data: Path, cards: HeadCards) -> dict[str, dict[str, list[Prediction]]]:
        """release -> head -> its predictions: each release is asked once for all heads of the task."""
        asked: dict[str, set[str]] = {}
        opponents: dict[str, Opponent] = {}
        for head in cards:
            for what, opponent in self._opponents(head):
                if head in opponent.cards and (what, head) not in self.not_compared:
                    opponents[opponent.release.release] = opponent
                    asked.setdefault(opponent.release.release, set()).add(head)
        return {name: opponents[name].predict(data, cards, heads) for name, heads in asked.items()}


def _meeting(
    opponent: Opponent, head: str, card: HeadCard, data: Path, rows: list[Row], said: list[Prediction]
) -> Meeting:
    learnt_N = opponent.learnt_from(data.name, rows)
    asked = families.get(card["family"]), opponent.cards[head]["facts"], card["facts"], rows, said, learnt_N
    common = ground(*asked)
    return Meeting(said, common, _since(opponent, head, data, common.trained_on), relabelled(*asked))


def _since(opponent: Opponent, head: str, data: Path, trained_on: int) -> RowsSince | None:
    changes = opponent.test_set_since(data)
    if changes is None:
        return None
    come, gone = changes
    learnt = opponent.training_set_since(data) if head == data.name else None
    new, old = learnt or (None, None)
    return RowsSince(come=come, gone=gone, trained_on=trained_on, learnt_come=new, learnt_gone=old)
