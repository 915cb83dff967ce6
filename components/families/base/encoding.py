"""What encoding and the service ask of a family: what the encoder reads of a row, and the row's target."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from components.families.base.records import Facts, Layout, Row, Sequence1, Truncation
from components.families.shared.truncation import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tokenizers import Encoding, Tokenizer


class EncodingPart(abc.ABC):
    """From a row to token ids. Heavy libraries are imported inside the methods that use them."""

    row_encoding: ClassVar[str | None] = "sequences"
    """A name of how rows become tokens (`tokenise`). Joint heads share their task's tokens, so theirs is the
    same; None where no other head could read the rows. A family that tokenises in its own way gives it its
    own name."""
    target_type: ClassVar[pa.DataType]
    """Of one encoded target."""
    layout_type: ClassVar[pa.DataType | None] = None
    """Of one encoded layout, where decoding needs one."""
    offsets: ClassVar[bool] = False
    """Does encoding look at the tokens' places in the text?"""

    def sequences(self, row: Row) -> list[Sequence1]:
        """What the encoder reads of a row: one sequence, or several (`MultiSequence`)."""
        return [(row["text"], row["text_pair"]) if row.get("text_pair") else row["text"]]

    def truncation(self, inputs: Sequence[str], max_length: int, options: Mapping[str, Any]) -> Truncation:
        """How a text that is too long is cut."""
        return {"max_length": max_length, "direction": "left" if "turns" in inputs else "right"}

    def tokenise(
        self, tokenizer: Tokenizer, rows: Sequence[Row], options: Mapping[str, Any], offsets: bool = True
    ) -> list[list[Encoding]]:
        """Each row's sequences as encodings; `truncation` is the tokenizer's setting. Without `offsets`,
        which no head of the rows needs then, it is a little faster."""
        sequences = [self.sequences(row) for row in rows]
        batch = tokenizer.encode_batch if offsets else tokenizer.encode_batch_fast
        every = (one for of_row in sequences for one in of_row)
        short = [one if isinstance(one, str) else shortened(tokenizer, one) for one in every]
        encodings = iter(batch(short))
        return [[next(encodings) for _ in of_row] for of_row in sequences]

    def is_cut(self, row: Row, encodings: Sequence[Encoding], max_length: int) -> bool:
        """Was a part of the row left out? Only what fills the limit is asked, since to ask makes copies."""
        return any(len(one) >= max_length and bool(one.overflowing) for one in encodings)

    def layout(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Layout:
        """What `decode` and `respond` must know of the row's tokens; the same in data and service."""
        return {}

    @abc.abstractmethod
    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        """The row's encoded target, of `target_type`."""
