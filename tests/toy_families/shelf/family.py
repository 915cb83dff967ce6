"""Shelves, a toy family for tests: a product's title belongs on one of many shelves, which are texts.

It learns from titles that lack a word, another one at each visit (a simple word dropout).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from components.errors import BadRowError
from components.families.base import Check, Facts, Family, Layout, Prediction, Row, Sequence1
from components.families.base.capabilities import Augmentation, Candidates, MultiSequence
from components.families.shared.fields import read_text
from components.families.shared.metrics import accuracy

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from torch import nn

    from components.settings.project import Checks


class ShelfAnswer(BaseModel):
    """The shelf that fits best."""

    shelf: str


class Shelf(Augmentation, Candidates, MultiSequence, Family):
    """Softmax cross-entropy of the right shelf against those of the other rows of the micro-batch."""

    name = "shelf"
    inputs = (("text",),)
    targets: ClassVar[Mapping[str, bool]] = {"shelf": True}
    text_columns = ("text",)
    metrics = (accuracy("shelf"),)
    target_type = pa.int64()
    response = ShelfAnswer
    example = ({"text": "Wool socks, three pairs"}, {"shelf": "clothes for the feet"})

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        return {"text": read_text(record, "text")}

    def input_schema(self) -> pa.Schema:
        return pa.schema([("text", pa.string())])

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        return {"shelf": read_text(record, "shelf")}

    def target_schema(self) -> pa.Schema:
        return pa.schema([("shelf", pa.string())])

    def target_of(self, row: Row) -> Any:
        return row["shelf"]

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        shelves = sorted({row["shelf"] for row in rows})
        if len(shelves) < 2:
            raise BadRowError("all training rows stand on one shelf, nothing to learn")
        return {"shelves": shelves}

    def candidates(self, facts: Facts) -> list[Row]:
        return [{"text": shelf} for shelf in facts["shelves"]]

    def with_candidates(self, rows: Sequence[Row], facts: Facts) -> Sequence[Row]:
        return [{**row, "beside": row["shelf"]} for row in rows]

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from great_expectations.expectations import ExpectColumnValuesToBeInSet

        known = ExpectColumnValuesToBeInSet(column="shelf", value_set=facts["shelves"])
        return [Check("every shelf occurs in training", known)]

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        return Counter(table["shelf"].to_pylist()).most_common()

    def sequences(self, row: Row) -> list[Sequence1]:
        return [row["text"], *([row["beside"]] if "beside" in row else [])]

    def augment(
        self, ids: np.ndarray, extra: list[int], target: Any, key: int, facts: Facts
    ) -> tuple[np.ndarray, list[int]]:
        """A word's piece gives way to a copy of its neighbour; what frames the text stays."""
        changed = ids.copy()
        if len(ids) > 3:
            place = int(np.random.default_rng(key).integers(2, len(ids) - 1))
            changed[place] = changed[place - 1]
        return changed, extra

    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        return facts["shelves"].index(row["shelf"])

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        import torch

        return torch.tensor(targets, dtype=torch.int64)

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.shelf.head import ShelfHead

        head: nn.Module = ShelfHead(hidden_size)
        return head

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        """The same shelf of another row is no wrong one."""
        import torch
        from torch.nn.functional import cross_entropy

        own_n = torch.arange(len(target), device=target.device)
        again_nn = (target[:, None] == target) & (own_n[:, None] != own_n)
        return cross_entropy(logits.masked_fill(again_nn, -torch.inf), own_n, reduction="sum")

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        return {"shelf": facts["shelves"][int(logits.argmax())]}

    def changed(self, known: Facts, facts: Facts) -> str | None:
        return None if known["shelves"] == facts["shelves"] else "its shelves changed"

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        ((usual, _),) = Counter(row["shelf"] for row in train).most_common(1)
        return [{"shelf": usual} for _ in test]

    def tfidf_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC

        model = make_pipeline(TfidfVectorizer(min_df=2), LinearSVC(random_state=0))
        model.fit([row["text"] for row in train], [row["shelf"] for row in train])
        return [{"shelf": str(shelf)} for shelf in model.predict([row["text"] for row in test])]


FAMILY = Shelf()
