"""Sentence order: do two neighbouring segments of a text stand in their order, or were they swapped?"""

from __future__ import annotations

from random import Random
from typing import ClassVar

from components.families.segment_pairs.base import SegmentPairs

IN_ORDER, SWAPPED = "in order", "swapped"


class SentenceOrder(SegmentPairs):
    """Classification of two neighbouring segments of a text, half of them swapped (Lan et al. 2020, section
    3.1, "sentence-order prediction"). Rows of one sentence are left out and counted."""

    name = "sentence_order"
    labels: ClassVar[tuple[str, str]] = (IN_ORDER, SWAPPED)
    example = (
        {"text": "It rained all night. In the morning the streets were wet."},
        {"label": IN_ORDER, "probability": 0.8, "probabilities": {IN_ORDER: 0.8, SWAPPED: 0.2}},
    )

    def shown(self, first: str, second: str, random: Random) -> tuple[str, str, str]:
        return (first, second, IN_ORDER) if random.random() < 0.5 else (second, first, SWAPPED)


FAMILY = SentenceOrder()
