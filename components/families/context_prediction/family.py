"""Context prediction: are two segments neighbours in one text, or is the second one of another text?"""

from __future__ import annotations

from random import Random
from typing import ClassVar

import pyarrow as pa

from components.families.base.capabilities import NegativesFromRows
from components.families.segment_pairs.base import SegmentPairs
from components.families.segment_pairs.segments import draw

SAME, OTHER = "same text", "another text"


class ContextPrediction(NegativesFromRows, SegmentPairs):
    """Classification of two segments, neighbours in one text or of two texts, half and half (Devlin et al.
    2019, section 3.1, "next sentence prediction"). Rows of one sentence are left out and counted."""

    name = "context_prediction"
    labels: ClassVar[tuple[str, str]] = (SAME, OTHER)
    example = (
        {"text": "It rained all night. In the morning the streets were wet."},
        {"label": SAME, "probability": 0.9, "probabilities": {SAME: 0.9, OTHER: 0.1}},
    )

    def shown(self, first: str, second: str, random: Random) -> tuple[str, str, str]:
        """The other text's segment comes later (`add_negatives`): one text alone has none."""
        return first, second, SAME if random.random() < 0.5 else OTHER

    def add_negatives(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of another text get the second segment of another row of their split, drawn by their text."""
        number = len(rows)
        texts, labels = rows["text"].to_pylist(), rows["label"].to_pylist()
        if number == 1:  # there is no other text
            labels = [SAME]
        places = [
            place if label == SAME else (place + 1 + _draw(text, number - 1)) % number
            for place, (text, label) in enumerate(zip(texts, labels, strict=True))
        ]
        second = rows["second"].take(pa.array(places, pa.int64()))
        changed = {"second": second, "label": pa.array(labels, pa.string())}
        columns = [changed.get(name, rows[name]) for name in rows.schema.names]
        return pa.record_batch(columns, schema=rows.schema)


def _draw(text: str, below: int) -> int:
    """A number from 0 to `below` - 1, of the text alone; not the one that its segments were cut by."""
    return int(below * draw(f"other {text}").random())


FAMILY = ContextPrediction()
