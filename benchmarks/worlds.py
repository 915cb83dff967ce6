"""Populations of test rows of which the truth is known: two models that are equally good, and a worse one.

A model is a table of its per-row statistics, so that a test set is a draw of rows of it. A worse model
answers as the trivial one on so many rows that it loses what it is to lose.

Legend: N rows, S statistics.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtr, ndtri

from components import families
from components.data.contract.cards import task_card
from components.data.contract.rows import labelled_rows
from components.families.base import Metric, Prediction, Row
from components.families.click.metrics import METRICS as OF_CLICKS
from components.families.click.metrics import roc_auc
from components.families.regression.metrics import METRICS as OF_SCORES
from components.families.regression.metrics import power_sums
from components.families.shared.metrics import MACRO_F1, label_counts, mean
from components.files import read_json
from components.settings.project import Gate

if TYPE_CHECKING:
    from components.families.base.metric import Table

SIZE = 60_000  # rows of a synthetic population
DOCUMENTS = 600  # of the population of pairs
STEPS = 12  # of the search for a share of rows
PEARSON = OF_SCORES[0]
AUC = OF_CLICKS[0]


@dataclass(frozen=True)
class World:
    """A metric, its margin, and the rows of champion, candidate ("equal") and trivial model."""

    name: str
    metric: Metric
    margin: float
    tables: dict[str, Table]
    groups: Sequence[Sequence[str]] = ()  # of the rows; none: each stands alone
    whole: bool = False  # a test set is all its rows: what is drawn is who answered which
    statistics: Callable[[Table], Table] = lambda table: (
        table
    )  # of drawn rows, where they depend on the others

    def truth(self, who: str) -> float:
        """The metric of a model over the whole population."""
        return self._value(self.tables[who])

    def _value(self, table: Table) -> float:
        return self.metric.total(self.statistics(table))

    @cached_property
    def _place(self) -> np.ndarray:
        """place_DD of the row that is a pair of two documents; -1 where there is none."""
        names = {
            name: place for place, name in enumerate(sorted({one for row in self.groups for one in row}))
        }
        ends_N2 = np.array([[names[one] for one in row] for row in self.groups])
        place_DD = np.full((len(names), len(names)), -1)
        for first, second in (ends_N2.T, ends_N2.T[::-1]):
            place_DD[first, second] = np.arange(len(ends_N2))
        return place_DD

    def draw(self, rows: int, generator: np.random.Generator) -> tuple[np.ndarray, list[list[str]]]:
        """A test set of about so many rows: their places, and their groups. Of pairs documents are drawn."""
        if self.whole:
            return np.arange(self.tables["trivial"].shape[0]), [list(row) for row in self.groups]
        if not self.groups:
            return generator.integers(0, self.tables["trivial"].shape[0], rows), [[]] * rows
        count = round((1 + (1 + 8 * rows) ** 0.5) / 2)
        drawn = generator.integers(0, len(self._place), count)
        first, second = np.triu_indices(count, 1)
        place_N = self._place[drawn[first], drawn[second]]
        groups = [[str(one), str(other)] for one, other in zip(first, second, strict=True)]
        return place_N[place_N >= 0], [
            group for group, place in zip(groups, place_N, strict=True) if place >= 0
        ]

    def with_loss(self, loss: float, seed: int) -> World:
        """The same with a model "worse", which is the equal one, and on some rows the trivial one."""
        chance_N = np.random.default_rng(seed).random(self.tables["equal"].shape[0])
        low, high = 0.0, 1.0
        for _ in range(STEPS):
            share = (low + high) / 2
            worse = self._value(mixed(self.tables["trivial"], self.tables["equal"], chance_N < share))
            low, high = (share, high) if worse > self.truth("champion") - loss else (low, share)
        table = mixed(self.tables["trivial"], self.tables["equal"], chance_N < high)
        return replace(self, tables={**self.tables, "worse": table})


def mixed(one_NS: Any, other_NS: Any, first_N: Any) -> Table:
    """The rows of the one where `first_N`, else those of the other."""
    if isinstance(one_NS, np.ndarray):
        return np.where(first_N[:, None], one_NS, other_NS)
    first_N1 = first_N.astype(float)[:, None]
    return csr_array(one_NS.multiply(first_N1) + other_NS.multiply(1 - first_N1))


def exchanged(world: World, seed: int) -> World:
    """Champion and candidate with their answers exchanged on half of the rows: neither is better."""
    swap_N = np.random.default_rng([seed, 1]).random(world.tables["equal"].shape[0]) < 0.5
    one, other = world.tables["champion"], world.tables["equal"]
    tables = {**world.tables, "champion": mixed(one, other, swap_N), "equal": mixed(other, one, swap_N)}
    return replace(world, tables=tables)


# --- synthetic outcomes ---------------------------------------------------------------------------------


def shares(accuracy: float, agreement: float, seed: int) -> World:
    """Rows that are right or wrong; the two models answer independently on a part of them."""
    generator = np.random.default_rng(seed)
    one, fresh = generator.random((2, SIZE)) < accuracy
    other = np.where(generator.random(SIZE) < agreement, one, fresh)
    nothing = generator.random(SIZE) < 0.3
    tables = dict(zip(("champion", "equal", "trivial"), map(_counted, (one, other, nothing)), strict=True))
    metric = Metric("accuracy", _table, mean)
    return exchanged(World(f"accuracy {accuracy}", metric, 0.03, tables), seed)


def _counted(value_N: np.ndarray) -> np.ndarray:
    return np.stack([value_N, np.ones(len(value_N))], axis=1).astype(float)


def _table(rows: Sequence[Row], predictions: Sequence[Prediction], facts: object) -> Table:
    raise TypeError("a world's metrics are given tables, not rows")


def zipf(count: int, exponent: float = 0.5) -> np.ndarray:
    """weight_C of so many classes, by default the first seven times as frequent as the fiftieth."""
    return np.asarray(1 / np.arange(1, count + 1) ** exponent)


def classes(weight_C: Sequence[float] | np.ndarray, accuracy: Sequence[float], seed: int) -> World:
    """Classes that are so frequent; their accuracies repeat what is given."""
    generator, count, weight, agreement = np.random.default_rng(seed), len(weight_C), np.array(weight_C), 0.85
    gold, noise, fresh_noise = generator.choice(count, (3, SIZE), p=weight / weight.sum())
    of_gold = np.resize(accuracy, count)[gold]
    one = np.where(generator.random(SIZE) < of_gold, gold, noise)
    fresh = np.where(generator.random(SIZE) < of_gold, gold, fresh_noise)
    other = np.where(generator.random(SIZE) < agreement, one, fresh)
    labels = [str(number) for number in range(count)]
    sides = {"champion": one, "equal": other, "trivial": np.zeros(SIZE, dtype=int)}
    right = [(labels[number],) for number in gold]
    tables: dict[str, Table] = {
        who: label_counts(right, [(labels[number],) for number in said], labels)
        for who, said in sides.items()
    }
    return exchanged(World(f"macro-F1 of {count}", MACRO_F1, 0.03, tables), seed)


def entities(rate: float, recall: float, agreement: float, seed: int) -> World:
    """Sentences with any number of entities (a gamma mixture of Poissons), found or not, and false ones."""
    generator = np.random.default_rng(seed)
    gold = generator.poisson(generator.gamma(1, rate, SIZE))

    def answers() -> np.ndarray:
        found = generator.binomial(gold, recall)
        return np.stack([found, found + generator.poisson(gold * (1 - recall) * 0.8 + 0.01), gold], axis=1)

    one, fresh = answers(), answers()
    other = np.where((generator.random(SIZE) < agreement)[:, None], one, fresh)
    family = families.get("tagging")
    metric = next(metric for metric in family.metrics if metric.name == "entity_f1")
    tables = {"champion": one.astype(float), "equal": other.astype(float), "trivial": one * [0.0, 0.0, 1.0]}
    return exchanged(World("entity F1", metric, 0.03, tables), seed)


def rouge(agreement: float, seed: int) -> World:
    """Texts that share more or less with their references, a tenth nothing."""
    generator = np.random.default_rng(seed)
    quality, kind = generator.beta(1.2, 2.5, SIZE), generator.random(SIZE)

    def answers() -> np.ndarray:
        near = np.clip(quality + generator.normal(0, 0.12, SIZE), 0, 1)
        return np.where(kind < 0.1, 0, np.where(kind > 0.97, 1, near))

    one, fresh = answers(), answers()
    other = np.where(generator.random(SIZE) < agreement, one, fresh)
    nothing = 0.3 * generator.permutation(one)
    tables = {"champion": _counted(one), "equal": _counted(other), "trivial": _counted(nothing)}
    return exchanged(World("ROUGE", Metric("rouge_l", _table, mean), 0.03, tables), seed)


def areas(area: float, positives: float, agreement: float, seed: int, wide: float = 1.0) -> World:
    """Clicks or not, of which so many are; the probabilities of both are normal, and of the positives so many
    times as wide."""
    generator = np.random.default_rng(seed)
    yes_N = generator.random(SIZE) < positives

    def answers() -> np.ndarray:
        apart = np.sqrt(1 + wide**2) * ndtri(area)
        return np.asarray(ndtr(generator.normal(size=SIZE) * np.where(yes_N, wide, 1) + apart * yes_N))

    one, fresh = answers(), answers()
    other = np.where(generator.random(SIZE) < agreement, one, fresh)
    sides = {"champion": one, "equal": other, "trivial": np.full(SIZE, positives)}
    tables: dict[str, Table] = {who: np.stack([yes_N, said], axis=1) for who, said in sides.items()}
    world = World("AUC", AUC, 0.03, tables, statistics=lambda table: roc_auc(*np.asarray(table).T))
    return exchanged(world, seed)


def scores(noise: float, seed: int, failing: float = 0.0) -> World:
    """Single texts with a score; of some of them both models know nothing."""
    generator = np.random.default_rng(seed)
    gold, shared, own, others = generator.normal(size=(4, SIZE))
    said = {
        who: gold + noise * (0.9 * shared + 0.44 * part)
        for who, part in (("champion", own), ("equal", others))
    }
    fails, nothing = generator.random(SIZE) < failing, generator.normal(size=SIZE)
    said = {who: np.where(fails, nothing, value) for who, value in said.items()}
    said["trivial"] = np.zeros(SIZE)
    return exchanged(World("Pearson", PEARSON, 0.04, _scored(gold, said)), seed)


def alike_documents(noise: float, seed: int, part: float) -> World:
    """All pairs of documents. Scores are normal, and of the models' errors so large a part of the variance is
    that of the documents: where one is off, it is in all its pairs, of the one model and not of the other."""
    generator = np.random.default_rng(seed)
    first, second = np.triu_indices(DOCUMENTS, 1)
    gold = generator.normal(size=len(first))

    def error() -> np.ndarray:
        of_document = math.sqrt(part / 2) * generator.normal(size=DOCUMENTS)
        own = math.sqrt(1 - part) * generator.normal(size=len(first))
        return of_document[first] + of_document[second] + own

    shared = error()
    said = {who: gold + noise * (0.9 * shared + 0.44 * error()) for who in ("champion", "equal")}
    said["trivial"] = np.zeros(len(first))
    groups = [(str(one), str(other)) for one, other in zip(first, second, strict=True)]
    return World("Pearson over pairs", PEARSON, 0.04, _scored(gold, said), groups)


def pairs(noise: float, seed: int) -> World:
    """All pairs of documents, whose likeness, and whose models' errors, depend on both."""
    generator = np.random.default_rng(seed)
    first, second = np.triu_indices(DOCUMENTS, 1)
    place_D3 = generator.normal(size=(DOCUMENTS, 3))
    gold = (place_D3[first] * place_D3[second]).sum(axis=1)

    def error() -> np.ndarray:
        of_document = 0.4 * generator.normal(size=DOCUMENTS)
        return of_document[first] + of_document[second] + generator.normal(size=len(first))

    shared = error()
    said = {who: gold + noise * (0.9 * shared + 0.44 * error()) for who in ("champion", "equal")}
    said["trivial"] = np.zeros(len(first))
    groups = [(str(one), str(other)) for one, other in zip(first, second, strict=True)]
    return exchanged(World("Pearson over pairs", PEARSON, 0.04, _scored(gold, said), groups), seed)


def _scored(gold: np.ndarray, said: dict[str, np.ndarray]) -> dict[str, Table]:
    rows = [{"score": value} for value in gold]
    return {
        who: power_sums(rows, [{"score": value} for value in values], {"mean": 0.0})
        for who, values in said.items()
    }


MAKERS: dict[str, Callable[[], World]] = {
    "accuracy .8": lambda: shares(0.8, 0.7, 1),
    "accuracy .95": lambda: shares(0.95, 0.7, 2),
    "macro-F1 of 50": lambda: classes(zipf(50), [0.8], 3),
    "entity F1": lambda: entities(1.0, 0.88, 0.7, 4),
    "ROUGE": lambda: rouge(0.5, 5),
    "Pearson": lambda: scores(0.6, 6),
    "Pearson over pairs": lambda: pairs(0.6, 7),
    "AUC of 10 % positives": lambda: areas(0.86, 0.1, 0.6, 8),
    "macro-F1 of 50 unlike": lambda: classes(zipf(50, 1.0), [0.9, 0.8, 0.6], 3),
    "Pearson of models that fail": lambda: scores(0.3, 6, failing=0.1),
    "Pearson over alike documents": lambda: alike_documents(0.6, 7, 0.7),
    "AUC of wide positives": lambda: areas(0.7, 0.1, 0.6, 8, wide=1.5),
}


@functools.cache
def made(name: str) -> World:
    """A world, once in a process."""
    return MAKERS[name]()


# --- real predictions -----------------------------------------------------------------------------------


def real(root: Path, task: str, gate: Gate, second: Path | None) -> World:
    """The test rows of a project's task with the answers of two trainings: its own and that of the folder
    `second`, or of TF-IDF fits on two resamples of its training rows. They are made equal by exchange."""
    card = task_card(root / "data" / task).heads[task]
    family = families.get(card.family)
    train, test = (labelled_rows(root / "data" / task, split, task) for split in ("train", "test"))
    metric = next(metric for metric in family.metrics if metric.name == gate.metric)

    def table(said: Sequence[Prediction]) -> Table:
        return metric.statistics(test, said, card.facts)

    tables = {"model": table(read_json(root / "predictions" / f"{task}.json"))}
    tables["trivial"] = table(read_json(root / "baselines" / task / task / "trivial.json"))
    if second is not None:
        tables["champion"] = tables["model"]
        tables["equal"] = table(read_json(second / "predictions" / f"{task}.json"))
    for seed, who in enumerate(() if second else ("champion", "equal")):
        again = np.random.default_rng(seed).integers(0, len(train), len(train))
        tables[who] = table(family.tfidf_baseline([train[place] for place in again], test, card.facts))
    groups = [row["groups"] for row in test]
    return World(task, metric, gate.margin, tables, groups if any(groups) else ())
