"""A head on other rows than those of its test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from components.evaluation.common import ground
from components.evaluation.gates.base import Case
from components.families.base import Row


def on_rows(case: Case, rows: Sequence[Row]) -> Case:
    """The head on other rows: what everyone says of these, and where both models can answer."""
    said = {who: case.ask(who, rows) for who in case.asked}
    common = None
    if case.common is not None and case.models is not None and case.models.champion is not None:
        champion = case.models.champion
        known, learnt_N = champion.cards[case.head]["facts"], champion.learnt_from(case.card["task"], rows)
        common = ground(case.family, known, case.facts, rows, said["champion"], learnt_N)
    return replace(case, rows=rows, said=said, common=common)
