"""The candidate and the champion, asked about rows that are not those of the test set."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from components import families
from components.data.contract.rows import column_of
from components.evaluation.records import Champion
from components.families.base import Prediction, Row

if TYPE_CHECKING:
    from components.data.contract.cards import HeadCard
    from components.evaluation.champion import Opponent

CANDIDATE = Champion(release="the candidate", model="", manifest="")


class Models:
    """Each reads a row with its own tokenizer, by its own cards."""

    def __init__(self, root: Path, champion: Opponent | None) -> None:
        self.root, self.champion = root, champion
        self._others: dict[Path, Opponent] = {}

    @cached_property
    def candidate(self) -> Opponent:
        """The model of the project's folder, with what its heads choose answers from."""
        from components.evaluation.champion import Opponent
        from components.model.inference import vectors

        candidate = Opponent(self.root / "models/multitask", CANDIDATE)
        for head, vectors_ND in vectors(candidate.model, self.root / "encoded").items():
            candidate.model.heads[head].candidates_ND = vectors_ND
        return candidate

    def of(self, folder: Path) -> Opponent:
        """The model of another folder."""
        from components.evaluation.champion import Opponent

        if folder not in self._others:
            self._others[folder] = Opponent(folder, CANDIDATE)
        return self._others[folder]

    def ask(self, who: str, head: str, card: HeadCard, rows: Sequence[Row]) -> list[Prediction]:
        """What "model" or "champion" says of rows as the head reads them."""
        if not rows:
            return []
        with self._as_task(head, card, rows) as folder:
            return self._named(who).predict(folder, {head: card}, [head])[head]

    def ask_moved(
        self, who: str, head: str, card: HeadCard, rows: Sequence[Row], epsilon: float
    ) -> list[Prediction]:
        """The same where the rows' word embeddings are moved against it, by so much."""
        from components.evaluation.gates import moved_embeddings

        if not rows:
            return []
        with self._as_task(head, card, rows) as folder:
            return moved_embeddings.answers(self._named(who), folder, head, card, epsilon)

    def _named(self, who: str) -> Opponent:
        opponent = self.champion if who == "champion" else self.candidate
        assert opponent is not None  # noqa: S101 a head that is compared has one
        return opponent

    @contextlib.contextmanager
    def _as_task(self, head: str, card: HeadCard, rows: Sequence[Row]) -> Iterator[Path]:
        """A folder of the task that has these rows as its test rows."""
        with tempfile.TemporaryDirectory(prefix="onetrunk-gates-") as scratch:
            folder = Path(scratch) / card["task"]
            folder.mkdir()
            self._write(head, card, rows, folder)
            yield folder

    def _write(self, head: str, card: HeadCard, rows: Sequence[Row], folder: Path) -> None:
        """Rows as the task's own file has them."""
        schema = pq.read_schema(self.root / "data" / card["task"] / "test.parquet")
        targets = families.get(card["family"]).target_schema().names
        named = {name: column_of(card["task"], head, name) for name in targets}
        in_file = [{named.get(name, name): value for name, value in row.items()} for row in rows]
        pq.write_table(pa.Table.from_pylist(in_file, schema), folder / "test.parquet")
