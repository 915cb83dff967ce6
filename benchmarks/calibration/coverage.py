"""How often do intervals hold the truth? Those of a value, of the difference to the champion, of the gain
over the trivial model, and the one-sided bound of the difference, by which the gate lets pass; those of the
difference also of a model that fails at some rows, and loses twice the margin by it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from rich.table import Table
from scipy import stats

from benchmarks import worlds
from benchmarks.calibration.shares import NORMAL, Share, goal
from benchmarks.calibration.test_sets import CONFIDENCE, evidence
from benchmarks.goals import Goal
from benchmarks.worlds import World
from components.evaluation.intervals import score, wilson
from components.evaluation.units import Units, sample

ROWS = (50, 100, 200, 700, 2000)
KINDS = ("value", "difference", "over trivial", "bound", "difference of a worse one", "bound of a worse one")
MAY_BE_SAFE = KINDS[3:]  # which are asked not to hold too seldom, and no more
LOSS = 2.0  # of the margin, that the worse one has
COVERED, MOST = 0.93, 0.97
LEAST = f">= {COVERED}"
ENOUGH = 200  # rows, from which on counts make nothing impossible
COUNTS, MEANS = 50, np.geomspace(0.5, 20, 40)  # of rows that differ
LEAST_STEP, MOST_STEP = 1.3, 2.0  # of the score test's z, between which 0 is left out at 95 %
SETS, TINY = 20_000, 1e-9
BY_CHANCE = 2  # standard errors of a share
AGAIN = 3  # times as many test sets decide what the first leave outside, and more of them what these do not
ENOUGH_SETS = 3000  # to decide: the standard error of .95 is .4 %
TWINS = {  # what the rows do not tell from each other while they are few: an interval has to hold in both
    "macro-F1 of 50": "macro-F1 of 50 unlike",
    "Pearson": "Pearson of models that fail",
    "Pearson over pairs": "Pearson over alike documents",
    "AUC of 10 % positives": "AUC of wide positives",
}
Covered = Mapping[tuple[str, int], Mapping[str, Share]]  # by world and rows


def measure(asked: tuple[str, int, int]) -> dict[str, Share]:
    """Of a world: its name, rows, and how many test sets."""
    name, rows, sets = asked
    world, generator = worlds.made(name), np.random.default_rng(rows)
    lossy, some = world.with_loss(LOSS * world.margin, 9), max(1, sets // 3)
    equal = _decided(world, "equal", rows, sets, generator, KINDS[:4])
    worse = _decided(lossy, "worse", rows, some, generator, ("", KINDS[4], "", KINDS[5]))
    return {kind: share for kind, share in {**equal, **worse}.items() if kind}


def _decided(
    world: World, who: str, rows: int, sets: int, generator: np.random.Generator, kinds: Sequence[str]
) -> dict[str, Share]:
    """What is held by kind."""
    most = [1.0 if kind in MAY_BE_SAFE or not kind else MOST for kind in kinds]
    share_4, drawn = decided(lambda count: _held(world, who, rows, count, generator), sets, most)
    return {kind: (float(share), drawn) for kind, share in zip(kinds, share_4, strict=True)}


def decided(held: Callable[[int], np.ndarray], sets: int, most: Sequence[float]) -> tuple[np.ndarray, int]:
    """What is held in so many test sets, or, where a share is outside, in fresh ones and more: three times as
    many, and again as many until there are enough while one of them is outside and may well be inside."""
    shares = held(sets)
    if not _outside(shares, shares, most):
        return shares, sets
    shares, drawn = held(AGAIN * sets), AGAIN * sets
    while drawn < ENOUGH_SETS and _unsure(shares, drawn, most):
        shares, drawn = (shares + held(drawn)) / 2, 2 * drawn
    return shares, drawn


def _unsure(shares: np.ndarray, drawn: int, most: Sequence[float]) -> bool:
    """Is one outside, while the interval of its share is not?"""
    low, high = np.transpose([wilson(share, drawn, NORMAL) for share in shares])
    return bool(set(_outside(shares, shares, most)) - set(_outside(low, high, most)))


def _outside(low: np.ndarray, high: np.ndarray, most: Sequence[float]) -> list[int]:
    """The places of the shares that lie outside, of which these are the ends."""
    return [at for at, least in enumerate(low) if high[at] < COVERED or least > most[at]]


def _held(world: World, who: str, rows: int, sets: int, generator: np.random.Generator) -> np.ndarray:
    """share_4 of test sets: of value, difference to the champion, gain over the trivial model, and bound."""
    value, trivial, held = world.truth(who), world.truth("trivial"), np.zeros(4)
    apart = value - world.truth("champion")
    for _ in range(sets):
        _, _, found = evidence(world, rows, who, generator)
        against = found.champion
        assert against is not None and against.low is not None  # noqa: S101
        ends = ((found.interval, value), (against.interval, apart), (found.over_trivial, value - trivial))
        held += [*(low <= truth <= high for (low, high), truth in ends), against.low <= apart]
    return held / sets


def exact(rows: int) -> np.ndarray:
    """covered_P: how often the interval of a share holds it, by the chance of every outcome, for truths from
    .5 to where half a row is wrong."""
    right = np.arange(rows + 1)
    ends = np.array([score(one / rows, rows, (1 + CONFIDENCE) / 2, None) for one in right])
    truths = np.linspace(0.5, 1 - 0.5 / rows, 400)
    held_PN = (ends[:, 0] <= truths[:, None]) & (truths[:, None] <= ends[:, 1])
    return np.asarray((stats.binom.pmf(right, rows, truths[:, None]) * held_PN).sum(axis=1))


def least_possible(parts_N: np.ndarray, rows: int) -> float:
    """How often an interval must at least hold that two models are equal, of test sets of so many rows of a
    population in which a row adds its part to the difference: 0 where both answer alike.

    That the models are equal is left out from some step on of what is won over its root mean square, as the
    score test orders it (McNemar 1947). Which step that may be is told by rows that are worth the same
    (`least_step`), for few rows do not show what they are worth.
    """
    drawn_SR = parts_N[np.random.default_rng(rows).integers(0, len(parts_N), (SETS, rows))]
    apart_S = np.abs(drawn_SR.sum(1)) / np.sqrt(np.maximum((drawn_SR**2).sum(1), TINY))
    return float(np.mean(apart_S < least_step() - TINY))


@functools.cache
def least_step() -> float:
    """From where on an interval may leave 0 out and hold it in 93 %, however many rows differ in the mean.

    A count knows no fraction of a row: rows won and lost are two Poisson counts, and the step is the first of
    their order with which 0 is held often enough.
    """
    count = np.arange(COUNTS)
    won, lost = np.meshgrid(count, count)
    apart_LW = np.abs(won - lost) / np.sqrt(np.maximum(won + lost, 1))

    def left_out(step: float, mean: float) -> float:
        of_one = stats.poisson.pmf(count, mean / 2)
        return float((np.outer(of_one, of_one) * (apart_LW >= step)).sum())

    steps = np.unique(apart_LW[(apart_LW > LEAST_STEP) & (apart_LW < MOST_STEP)])
    enough = (step for step in steps if max(left_out(step, mean) for mean in MEANS) <= 1 - COVERED)
    return float(next(enough, MOST_STEP))


def parts(world: World) -> np.ndarray:
    """parts_N: what each row of a population adds to the difference of two equal models, to first order."""
    one, other = (world.statistics(world.tables[who]) for who in ("equal", "champion"))
    units = Units(one.shape[0])
    apart = sample(world.metric, one, units) - sample(world.metric, other, units)
    return apart.value + apart.influence


def _possible(name: str, rows: int, sets: int) -> float:
    """How seldom the interval of the difference may err there: where so few rows differ, as counts allow, and
    as chance does in so many test sets."""
    least = least_possible(parts(worlds.made(name)), rows)
    return least + BY_CHANCE * math.sqrt(least * (1 - least) / sets)


def _most(line: str, name: str, kind: str, found: Mapping[int, Share]) -> Iterator[Goal]:
    """In 3 % at least an interval may err; where counts make that impossible, such rows have a goal of their
    own, and excuse no others."""
    counted = kind == "difference" and not worlds.made(name).groups
    few = [rows for rows in found if counted and rows < ENOUGH]
    allowed = {rows: _possible(name, rows, found[rows][1]) for rows in few}
    apart = {rows: most for rows, most in allowed.items() if most > MOST}
    for rows, most in apart.items():
        yield goal(f"{line} at {rows} rows, most", found[rows], f"<= {most:.3f}")
    others = [share for rows, share in found.items() if rows not in apart]
    if others:
        yield goal(f"{line}, most", max(others), None if kind in MAY_BE_SAFE else f"<= {MOST}")


def _less(found: Mapping[int, Share], covered: Covered, twin: str | None, kind: str) -> Mapping[int, Share]:
    """The share of the world or of its twin by rows, whichever is less: what holds too often in the one may
    hold barely often enough in the other, and nobody knows in which of them he is."""
    return {rows: min(share, covered[twin, rows][kind]) if twin else share for rows, share in found.items()}


def goals(covered: Covered) -> Iterator[Goal]:
    """The farthest from 95 % of each world and kind."""
    for kind in KINDS:
        for name in dict.fromkeys(name for name, _ in covered):
            found = {rows: values[kind] for (world, rows), values in covered.items() if world == name}
            line = f"coverage of the {kind} of {name}"
            yield goal(f"{line}, least", min(found.values()), LEAST)
            if name not in TWINS.values():
                yield from _most(line, name, kind, _less(found, covered, TWINS.get(name), kind))
    for rows in ROWS:
        held_P = exact(rows)
        ends = (float(held_P.min()), float(held_P.max()))
        yield Goal(f"coverage of accuracies from .5 on at {rows} rows, exact: least", ends[0], ends, LEAST)
        yield Goal(f"the same, mean at {rows} rows", float(held_P.mean()), ends, f"<= {MOST}")


def table(covered: Covered) -> Table:
    """In percent, the kinds side by side."""
    found = Table("metric", *(f"{rows} rows" for rows in ROWS), title=f"coverage: {' / '.join(KINDS)}")
    for name in dict.fromkeys(name for name, _ in covered):
        cells = (" ".join(f"{100 * share:.1f}" for share, _ in covered[name, rows].values()) for rows in ROWS)
        found.add_row(name, *cells)
    return found
