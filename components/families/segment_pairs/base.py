"""What families have in common that ask of two segments of texts whether they stand as they once stood."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from components.errors import BadRowError
from components.families.base import Facts, Row, Sequence1
from components.families.base.capabilities import ExtraInputs, Numbers, Reword
from components.families.classification.family import Classification
from components.families.segment_pairs.segments import draw, halves
from components.families.shared.fields import read_text

if TYPE_CHECKING:
    from tokenizers import Encoding
    from torch import nn


class SegmentPairs(ExtraInputs, Classification):
    """Classification of two segments, read together, under two labels that are made from the text."""

    labels: ClassVar[tuple[str, str]]
    inputs = (("text",),)
    targets: ClassVar[Mapping[str, bool]] = {}
    text_columns = ("text",)
    compared = ("first", "second")
    row_encoding = None  # no head would fit that is not made from the text
    extra_type = pa.int32()

    @abc.abstractmethod
    def shown(self, first: str, second: str, random: Random) -> tuple[str, str, str]:
        """What is shown of two neighbouring segments, and the label."""

    def reworded(self, row: Row, reword: Reword) -> Row | None:
        """Its segments are made from the text, and with another they would be others."""
        return None

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        text = read_text(record, "text")
        first, second, _ = self._made(text)
        return {"text": text, "first": first, "second": second}

    def _made(self, text: str) -> tuple[str, str, str]:
        random = draw(text)
        return self.shown(*halves(text, random), random)

    def input_schema(self) -> pa.Schema:
        return pa.schema([(name, pa.string()) for name in ("text", "first", "second")])

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        return {"label": self._made(row["text"])[2]}

    def target_of(self, row: Row) -> Any:
        """The text is all that it teaches: texts that count as one never conflict."""
        return None

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        if labels is not None:
            raise BadRowError(f"the labels of {self.name} are its own; remove `labels`")
        return super().learn_facts(rows, list(self.labels), options)

    def sequences(self, row: Row) -> list[Sequence1]:
        """The two segments, with a separator."""
        return [(row["first"], row["second"])]

    def extra_inputs(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Numbers | None:
        """Where the second segment begins."""
        (encoding,) = encodings
        return [encoding.sequence_ids.index(1) if 1 in encoding.sequence_ids else len(encoding)]

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.segment_pairs.head import SegmentsHead

        return SegmentsHead(hidden_size, len(facts["labels"]))
