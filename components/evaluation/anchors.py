"""Anchors: the release that a head's slow decay is measured against.

A champion may be a little worse than the one before, within the margin, and so may the next. So each head
is also held to its anchor, the release of its last significant gain, and all that came since may together
lose no more than `evaluation.anchor_margin` margins against that, on today's rows.

What an anchor is after a release:

- the first release of a head (the first of all, a new head, one whose meaning was changed on purpose): that
  release itself;
- a head that was renamed (`evaluation.renamed`): its anchor, under the new name;
- a significant gain over the anchor: that release;
- an anchor that can no longer be compared (other labels, another family), or none known, in a project of
  before: the champion, with which the candidate was compared;
- else, and also where the test set has changed: it stays.
"""

from __future__ import annotations

from components.evaluation import paired
from components.evaluation.case import Case
from components.evaluation.records import Champion, Comparison


def after(case: Case) -> Champion | None:
    """What the head is anchored to once the candidate is released; None: to the candidate itself."""
    champion, evidence = case.champion, case.evidence
    if champion is None or case.head not in champion.heads or evidence is None or evidence.champion is None:
        return None
    if case.other_question:  # the verdict holds it unless that is meant
        return None
    usable = case.anchor is not None and case.against_anchor is not None
    against = case.against_anchor if usable else evidence.champion
    release = case.anchor.identity if usable and case.anchor else champion.identity
    return None if against is not None and gained(against) else release


def gained(against: Comparison) -> bool:
    """Is the candidate significantly better? A bound that a few rows make is no proof."""
    enough = against.discordant is None or against.discordant >= paired.FEW
    return enough and against.interval[0] > 0
