"""How often do intervals of sums of absolute values hold the truth: of the calibration error of clicks, and
of the gap between groups? Those of the value, of the difference to the champion, and the bound of the latter,
where both are right, one is, or both err, alike or each in another place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.calibration.coverage import COVERED, decided
from benchmarks.calibration.shares import Share, goal
from benchmarks.calibration.test_sets import CONFIDENCE, of_tables
from benchmarks.goals import Goal
from components.data.contract.cards import HeadCard
from components.evaluation.against import CHAMPION, Meeting
from components.evaluation.common import CommonGround
from components.evaluation.evaluate import compare
from components.evaluation.gates.base import Case
from components.evaluation.gates.fairness import Fairness
from components.evaluation.records import Comparison
from components.evaluation.units import Units
from components.families.click.metrics import BINS, METRICS
from components.families.click.metrics import calibration as of_clicks
from components.settings.project import Evaluation, Gate, Project

CALIBRATION = next(metric for metric in METRICS if metric.name == "calibration")
ROWS, GROUP = (200, 700, 2000), (100, 200, 700)  # clicks; rows of each of two groups
KINDS = ("value", "difference", "bound")
MANY, AGREE = 400_000, 0.7  # clicks that the truth is taken from; rows that two models answer alike
FACTS: dict[str, Any] = {"labels": ["a", "b"], "options": {"class_weights": "none", "label_smoothing": 0.0}}
Errs = tuple[float, ...]  # how a model errs: off by so much, and to either side or not; or in each group
Found = Mapping[tuple[str, int], Mapping[str, Share]]


@dataclass(frozen=True)
class Drawn:
    """What was found in a test set."""

    interval: list[float]
    against: Comparison


# --- clicks -----------------------------------------------------------------------------------------


def _said(true_N: np.ndarray, errs: Errs) -> np.ndarray:
    off, either = errs
    return np.clip(true_N + off * (np.sign(np.sin(60 * true_N)) if either else 1.0), 0.002, 0.998)


def _of_clicks(errs: Errs) -> float:
    """The truth, over bins of many rows."""
    true_N = np.clip(np.random.default_rng(9).beta(2, 8, MANY), 0.02, 0.95)
    said_N = _said(true_N, errs)
    bin_N = np.searchsorted(np.quantile(said_N, np.arange(1, BINS) / BINS), said_N, side="right")
    return 1 - float(np.abs(np.bincount(bin_N, said_N - true_N, BINS)).sum()) / MANY


def _clicks(model: Errs, champion: Errs, rows: int, generator: np.random.Generator) -> Drawn:
    true_N = np.clip(generator.beta(2, 8, rows), 0.02, 0.95)
    clicked_N = (generator.random(rows) < true_N).astype(float)
    one, other = (of_clicks(clicked_N, _said(true_N, errs)) for errs in (model, champion))
    ground = CommonGround(np.ones(rows, dtype=bool), {}, True, None)
    answers: Any = {"model": one, "trivial": other, "linear": other}
    said: Any = other
    met = {CHAMPION: Meeting(said=said, ground=ground, since=None)}
    found = compare(of_tables(CALIBRATION), [], answers, {}, Units(rows), CONFIDENCE, met)
    assert found.champion is not None  # noqa: S101
    return Drawn(found.interval, found.champion)


# --- groups -----------------------------------------------------------------------------------------


def _of_groups(errs: Errs) -> float:
    return min(errs) - max(errs)


def _groups(model: Errs, champion: Errs, rows: int, generator: np.random.Generator) -> Drawn:
    group_N = np.arange(2 * rows) % 2
    one, fresh, same = generator.random((3, 2 * rows))
    wrong = {
        "model": one < np.array(model)[group_N],
        "champion": np.where(same < AGREE, one, fresh) < np.array(champion)[group_N],
    }
    said: Any = {who: [{"label": "b" if bad else "a"} for bad in wrong_N] for who, wrong_N in wrong.items()}
    (found,) = Fairness(columns=["group"]).findings(_case(group_N, said))
    assert found.interval is not None  # noqa: S101
    assert found.champion is not None  # noqa: S101
    return Drawn(found.interval, found.champion)


def _case(group_N: np.ndarray, said: Any) -> Case:
    rows: Any = [
        {
            "id": str(n),
            "text": f"text {n}",
            "text_pair": None,
            "label": "a",
            "groups": [],
            "slice": {"group": g},
        }
        for n, g in enumerate(np.array(["old", "young"])[group_N].tolist())
    ]
    card = HeadCard(family="classification", facts=FACTS, task="t", max_length=64, inputs=["text"])
    ground = CommonGround(np.ones(len(rows), dtype=bool), FACTS, True, None)
    project = Project.model_construct(seed=3, evaluation=Evaluation())
    rule = Gate.model_validate({"metric": "accuracy", "floor": 0.0, "margin": 0.03})
    return Case(project, "t", card, rule, rows, said, Path(), ground)


@dataclass(frozen=True)
class Asked:
    """How model and champion err, and what is measured of them."""

    model: Errs
    champion: Errs
    truth: Callable[[Errs], float]
    draw: Callable[[Errs, Errs, int, np.random.Generator], Drawn]


CLICKS: dict[str, tuple[Errs, Errs]] = {
    "both right": ((0, 0), (0, 0)),
    "off by .03, the champion right": ((0.03, 0), (0, 0)),
    "off by .08, the champion right": ((0.08, 0), (0, 0)),
    "right, the champion off by .08": ((0, 0), (0.08, 0)),
    "off by .08, the champion by .03 to either side": ((0.08, 0), (0.03, 1)),
}
GROUPS: dict[str, tuple[Errs, Errs]] = {
    "none": ((0.1, 0.1), (0.1, 0.1)),
    "of .15 that the champion has not": ((0.25, 0.1), (0.1, 0.1)),
    "of .15 as of the champion": ((0.25, 0.1), (0.25, 0.1)),
    "of .1 the other way round than the champion's": ((0.2, 0.1), (0.1, 0.2)),
}
ASKED = {
    **{
        f"calibration error of clicks: {name}": Asked(*errs, _of_clicks, _clicks)
        for name, errs in CLICKS.items()
    },
    **{f"gap between groups: {name}": Asked(*errs, _of_groups, _groups) for name, errs in GROUPS.items()},
}


def asked(sets: int) -> list[tuple[str, int, int]]:
    """What there is to measure: the question, its rows, and how many test sets."""
    clicks = [(name, rows, sets) for name in ASKED if name.startswith("calibration") for rows in ROWS]
    return clicks + [(name, rows, sets // 2) for name in ASKED if name.startswith("gap") for rows in GROUP]


def measure(one: tuple[str, int, int]) -> dict[str, Share]:
    """How often each kind holds."""
    name, rows, sets = one
    world, generator = ASKED[name], np.random.default_rng(rows)
    value, apart = world.truth(world.model), world.truth(world.model) - world.truth(world.champion)

    def held(count: int) -> np.ndarray:
        found = np.zeros(len(KINDS))
        for _ in range(count):
            drawn = world.draw(world.model, world.champion, rows, generator)
            (low, high), against = drawn.interval, drawn.against
            assert against.low is not None  # noqa: S101
            found += [
                low <= value <= high,
                against.interval[0] <= apart <= against.interval[1],
                against.low <= apart,
            ]
        return found / count

    shares, drawn_sets = decided(held, sets, [1.0] * len(KINDS))
    return {kind: (float(share), drawn_sets) for kind, share in zip(KINDS, shares, strict=True)}


def goals(found: Found) -> Iterator[Goal]:
    """The least of each question and kind."""
    for name in dict.fromkeys(name for name, _ in found):
        for kind in KINDS:
            shares = [shares[kind] for (one, _), shares in found.items() if one == name]
            yield goal(f"coverage of the {kind} of a {name}, least", min(shares), f">= {COVERED}")


def table(found: Found) -> Table:
    """In percent, the kinds side by side."""
    made = Table("", *("few rows", "more", "most"), title=f"sums of absolute values: {' / '.join(KINDS)}")
    for name in dict.fromkeys(name for name, _ in found):
        rows = [shares for (one, _), shares in found.items() if one == name]
        made.add_row(name, *(" ".join(f"{100 * share:.1f}" for share, _ in one.values()) for one in rows))
    return made
