"""How often does the interval of a value hold the truth: of metrics that the worlds of `coverage` lack, and
of classes of which one is rare, or all are answered well? The value alone, so that many can be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from rich.table import Table
from scipy.special import expit, logit

from benchmarks.calibration.coverage import COVERED, decided
from benchmarks.calibration.shares import Share, goal
from benchmarks.calibration.test_sets import CONFIDENCE
from benchmarks.goals import Goal
from benchmarks.worlds import SIZE, World, areas, classes
from components import families
from components.evaluation.intervals import interval, worth_of
from components.evaluation.units import Units, sample
from components.families.base import Metric
from components.families.click.metrics import METRICS as OF_CLICKS
from components.families.regression.metrics import METRICS as OF_SCORES
from components.families.shared.metrics import KAPPA, MCC

ROWS = (50, 100, 200, 700)
Found = Mapping[tuple[str, int], Share]  # by world and rows


def asked(sets: int) -> list[tuple[str, int, int]]:
    """What there is to measure: the world, its rows, and how many test sets."""
    return [(name, rows, sets) for name in MAKERS for rows in ROWS]


def measure(asked: tuple[str, int, int]) -> Share:
    """Of a world: its name, rows, and how many test sets."""
    name, rows, sets = asked
    world, generator = MAKERS[name](), np.random.default_rng(rows)
    truth = world.truth("equal")

    def held(count: int) -> np.ndarray:
        ends = (_interval(world, rows, generator) for _ in range(count))
        return np.array([sum(low <= truth <= high for low, high in ends) / count])

    (share,), drawn = decided(held, sets, [1.0])
    return float(share), drawn


def _interval(world: World, rows: int, generator: np.random.Generator) -> list[float]:
    place_N, units = generator.integers(0, SIZE, rows), Units(rows)
    own, trivial = (world.statistics(world.tables[who][place_N]) for who in ("equal", "trivial"))
    worth = worth_of(world.metric, own, trivial, units)
    return interval(world.metric, sample(world.metric, own, units), CONFIDENCE, worth)


def by(metric: Metric, world: World) -> World:
    """The same rows by another metric of the same sums."""
    return replace(world, metric=metric)


def numbers(
    metric: Metric, gold: np.ndarray, said: np.ndarray, keys: tuple[str, str], **facts: object
) -> World:
    """Rows with a number or a label, and an answer that is one: under these names."""

    def statistics(table: object) -> np.ndarray:
        columns = np.asarray(table).T
        rows, answers = (
            [{key: one} for one in column.tolist()] for key, column in zip(keys, columns, strict=True)
        )
        return np.asarray(metric.statistics(rows, answers, facts))

    trivial = np.full(len(gold), gold.mean() if gold.dtype == float else np.bincount(gold).argmax())
    tables = {who: np.stack([gold, one], axis=1) for who, one in (("equal", said), ("trivial", trivial))}
    return World(metric.name, metric, 0.03, tables, statistics=statistics)


def scores(name: str, tails: float | None = None, failing: float = 0.0, noise: float = 0.6) -> World:
    """A score and what is said of it; errors are normal, or Student's with so many degrees of freedom. At a
    part of the rows the model fails: what it says is of another."""
    generator = np.random.default_rng(11)
    gold = generator.normal(size=SIZE)
    error = generator.normal(size=SIZE) if tails is None else generator.standard_t(tails, SIZE)
    fails, other = generator.random(SIZE) < failing, generator.normal(size=SIZE)
    said = np.where(fails, other, gold + noise * error)
    return numbers(_of(OF_SCORES, name), gold, said, ("score", "score"), mean=0.0)


def levels(name: str) -> World:
    """One of five levels, and one that is near it."""
    generator = np.random.default_rng(12)
    gold = generator.choice(5, SIZE, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    said = np.clip(gold + generator.choice([-1, 0, 1], SIZE, p=[0.15, 0.7, 0.15]), 0, 4)
    return numbers(
        _of(families.get("ordinal").metrics, name), gold, said, ("label", "label"), labels=range(5)
    )


def clicks(name: str) -> World:
    """Clicks, a quarter of the rows in the middle, of which the probability is known."""
    generator = np.random.default_rng(13)
    true = expit(generator.normal(logit(0.25), 0.6, SIZE))
    clicked = (generator.random(SIZE) < true).astype(float)
    return numbers(_of(OF_CLICKS, name), clicked, true, ("outcome", "probability"))


def _of(metrics: tuple[Metric, ...], name: str) -> Metric:
    return next(metric for metric in metrics if metric.name == name)


MAKERS: dict[str, Callable[[], World]] = {
    "macro-F1 of one rare of two": lambda: classes([9, 1], [0.8], 3),
    "macro-F1 of one rare and hard of two": lambda: classes([9, 1], [0.9, 0.4], 3),
    "macro-F1 of one rare of two, .99 right": lambda: classes([9, 1], [0.99], 3),
    "macro-F1 of two, .99 right": lambda: classes([1, 1], [0.99], 3),
    "macro-F1 of one of fifty": lambda: classes([49, 1], [0.8], 3),
    "macro-F1 of one rare of four": lambda: classes([9, 6, 4, 1], [0.8], 3),
    "macro-F1 of one rare and hard of four": lambda: classes([9, 6, 4, 1], [0.9, 0.9, 0.9, 0.4], 3),
    "MCC of one rare of two": lambda: by(MCC, classes([9, 1], [0.8], 3)),
    "MCC of one rare and hard of two": lambda: by(MCC, classes([9, 1], [0.9, 0.4], 3)),
    "MCC of one of fifty": lambda: by(MCC, classes([49, 1], [0.8], 3)),
    "MCC of five": lambda: by(MCC, classes([1] * 5, [0.8], 3)),
    "kappa of one rare of two": lambda: by(KAPPA, classes([9, 1], [0.8], 3)),
    "kappa of five": lambda: by(KAPPA, classes([1] * 5, [0.8], 3)),
    **{name: partial(scores, name) for name in ("spearman", "kendall", "negative_mae", "r2")},
    "RMSE": lambda: scores("negative_rmse"),
    "RMSE of errors with tails": lambda: scores("negative_rmse", 6),
    "RMSE of a model that fails": lambda: scores("negative_rmse", failing=0.1, noise=0.3),
    "MAE of a model that fails": lambda: scores("negative_mae", failing=0.1, noise=0.3),
    "r2 of a model that fails": lambda: scores("r2", failing=0.1, noise=0.3),
    "quadratic kappa": lambda: levels("quadratic_kappa"),
    "Kendall of levels": lambda: levels("kendall"),
    "average precision": lambda: clicks("average_precision"),
    "entropy gain": lambda: clicks("entropy_gain"),
    "log loss": lambda: clicks("negative_log_loss"),
    "AUC of positives twice as wide": lambda: areas(0.8, 0.1, 0.6, 8, wide=2.0),
    "AUC of even classes": lambda: areas(0.9, 0.5, 0.6, 8),
}


def goals(found: Found) -> Iterator[Goal]:
    """The least of each world."""
    for name in dict.fromkeys(name for name, _ in found):
        shares = [one for world, one in found.items() if world[0] == name]
        yield goal(f"coverage of the value of {name}, least", min(shares), f">= {COVERED}")


def table(found: Found) -> Table:
    """In percent."""
    made = Table("value", *(f"{rows} rows" for rows in ROWS), title="coverage of values")
    for name in dict.fromkeys(name for name, _ in found):
        made.add_row(name, *(f"{100 * found[name, rows][0]:.1f}" for rows in ROWS))
    return made
