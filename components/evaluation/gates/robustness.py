"""robustness: how much the metric falls where texts are not written as in the test set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from components.evaluation.gates import perturbations
from components.evaluation.gates.base import Case, FurtherGate
from components.evaluation.gates.measure import (
    Asked,
    Measured,
    Score,
    finding,
    listed,
    measured,
    picked,
    same_answers,
)
from components.evaluation.gates.moved_embeddings import can_be_moved
from components.evaluation.records import Finding
from components.families.base import Prediction, Row
from components.families.base.capabilities import NamesThings, Rewordable
from components.keyed import derive_seed
from components.settings.section import Rows, Unit

Kind = Literal["typos", "casing", "noise", "dropped_words", "negation", "entities", "fgm"]
KEEPS: tuple[Kind, ...] = ("typos", "casing", "noise", "entities", "fgm")  # the right answer is what it was
WIDER = 3  # times a task's margin, as of a slice
Said = dict[str, list[Prediction]]  # who -> what is said of each test row


class Robustness(FurtherGate):
    """The metric on altered rows less that on the same rows as they are. Where the right answer may have
    changed with the words, the share of answers that stay the same is shown, and not judged."""

    kinds: list[Kind] = Field(["typos", "casing", "noise"], min_length=1)  # what is done to the texts
    rate: Annotated[float, Field(gt=0, le=1)] = 0.1  # of a text's words; at least one is altered
    rows: Rows = 1000  # of the test set, at most, chosen by hash
    epsilon: Annotated[float, Field(gt=0)] = 1.0  # fgm: length of the move of a sequence's embeddings
    min_rows: Rows = 100  # with fewer that can be altered, the change is listed, not judged
    # the most that the metric may fall; left out, there is no limit
    limit: Annotated[float | None, Field(gt=0), Unit("of the metric")] = None
    # how much more than the champion's it may fall; left out: three times the margin of the task
    margin: Annotated[float | None, Field(gt=0), Unit("of the metric")] = None

    def findings(self, case: Case) -> Iterator[Finding]:
        chosen_N = _chosen(case.rows, self.rows, case.project.seed)
        for kind in self.kinds:
            if kind == "fgm":
                yield from self._moved(case, chosen_N)
            elif isinstance(case.family, Rewordable):
                rows = self._altered(kind, case, chosen_N)
                altered_N = np.array([one is not None for one in rows])
                if altered_N.any():
                    yield self._finding(kind, case, rows, altered_N)

    def _moved(self, case: Case, chosen_N: np.ndarray) -> Iterator[Finding]:
        """The fall where the embeddings of the chosen rows are moved against each model."""
        if not can_be_moved(case.family):
            return
        said = {who: _ask_moved(case, who, chosen_N, self.epsilon) for who in case.asked}
        found = measured(case, lambda asked: _change(case, asked, case.rows, said), chosen_N)
        yield self._judged(case, f"change of {case.gate.metric} under moved embeddings", found)

    def _altered(self, kind: Kind, case: Case, chosen_N: np.ndarray) -> list[Row | None]:
        """The chosen test rows, otherwise written; None for one that is not chosen or stays what it is."""
        pool = _pool(case) if kind == "entities" else {}
        return [
            self._one(kind, case, row, pool) if chosen else None
            for row, chosen in zip(case.rows, chosen_N, strict=True)
        ]

    def _one(self, kind: Kind, case: Case, row: Row, pool: perturbations.Pool) -> Row | None:
        random = Random(derive_seed(case.project.seed, kind, row["id"]))  # noqa: S311 no secret
        assert isinstance(case.family, Rewordable)  # noqa: S101
        if kind == "entities":
            if not isinstance(case.family, NamesThings):
                return None
            named = case.family.entities(row)
            found = case.family.reworded(row, lambda words: perturbations.swap(words, named, pool, random))
        else:
            alter = perturbations.KINDS[kind]
            found = case.family.reworded(row, lambda words: alter(words, random, self.rate))
        return None if found == row else found

    def _finding(self, kind: Kind, case: Case, rows: Sequence[Row | None], altered_N: np.ndarray) -> Finding:
        said = _ask(case, rows)
        if kind not in KEEPS:
            found = measured(case, lambda asked: _unchanged(case, asked, said), altered_N)
            what = f"answers that {kind.replace('_', ' ')} leave as they are (not judged)"
            return finding(case, "robustness", what, replace(found, pair=None))
        found = measured(case, lambda asked: _change(case, asked, rows, said), altered_N)
        what = f"change of {case.gate.metric} under {kind}"
        return self._judged(case, what, found)

    def _judged(self, case: Case, what: str, found: Measured) -> Finding:
        if found.rows < self.min_rows:
            return listed(case, "robustness", what, found, self.min_rows)
        limit = None if self.limit is None else -self.limit
        margin = WIDER * case.gate.margin if self.margin is None else self.margin
        return finding(case, "robustness", what, found, limit, margin)


def _chosen(rows: Sequence[Row], most: int, seed: int) -> np.ndarray:
    """chosen_N: at most so many rows, those with the smallest hashes."""
    key_N = np.array([derive_seed(seed, row["id"]) for row in rows], dtype=np.uint64)
    chosen_N = np.zeros(len(rows), dtype=bool)
    chosen_N[np.argsort(key_N)[:most]] = True
    return chosen_N


def _pool(case: Case) -> perturbations.Pool:
    """What entities of each type, and of as many words, the test rows have."""
    pool: perturbations.Pool = {}
    if isinstance(case.family, NamesThings):
        for row in case.rows:
            for kind, first, last in case.family.entities(row):
                words = tuple(row["tokens"][first : last + 1])
                pool.setdefault((kind, len(words)), []).append(words)
    return pool


def _ask(case: Case, rows: Sequence[Row | None]) -> Said:
    """What everyone says of the altered rows; of the others, what they have said already."""
    said = {}
    for who in case.asked:
        found = iter(case.ask(who, [row for row in rows if row is not None]))
        said[who] = [
            before if row is None else next(found) for row, before in zip(rows, case.said[who], strict=True)
        ]
    return said


def _ask_moved(case: Case, who: str, chosen_N: np.ndarray, epsilon: float) -> list[Prediction]:
    """What a model says where embeddings are moved; the champion, of rows whose targets it knows."""
    assert case.models is not None  # noqa: S101
    moved_N = chosen_N & case.common.rows_N if who == "champion" and case.common else chosen_N
    rows = picked(case.rows, moved_N)
    found = iter(case.models.ask_moved(who, case.head, case.card, rows, epsilon))
    return [next(found) if moved else said for said, moved in zip(case.said[who], moved_N, strict=True)]


def _change(case: Case, asked: Asked, rows: Sequence[Row | None], said: Said) -> Score:
    """The metric on the altered rows less that on the same rows as they are."""
    altered = [row for row in picked(rows, asked.chosen_N) if row is not None]
    there = replace(asked, rows=altered, said=picked(said[asked.who], asked.chosen_N))
    return there.by(case.metric) - asked.by(case.metric)


def _unchanged(case: Case, asked: Asked, said: Said) -> Score:
    return asked.share(same_answers(case.family, case.said[asked.who], said[asked.who], tolerance=1e-3))


GATE = Robustness
