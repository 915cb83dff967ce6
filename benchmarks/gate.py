"""Is the gate calibrated? `python -m benchmarks.gate`.

From outcomes of known truth (benchmarks/worlds.py) and, where `--project` is a finished run, from its real
predictions: how often intervals hold the truth, how often two equally good models end in REJECT, how often a
loss of twice the margin is caught, by the number of test rows, and how often the project's own tasks let an
equal model pass. Every test set goes through the pipeline's own `compare` and `gate.verdict`. Spreads are
95 % intervals of the shares (Wilson's). The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from rich.console import Console
from rich.table import Table as Printed
from scipy import stats

from benchmarks import worlds
from benchmarks.goals import Goal, finish
from benchmarks.worlds import World
from components import params
from components.evaluation import gate
from components.evaluation.against import CHAMPION, Meeting
from components.evaluation.common import CommonGround
from components.evaluation.difference import Difference
from components.evaluation.evaluate import compare
from components.evaluation.intervals import wilson
from components.evaluation.records import (
    ChampionEvidence,
    Comparison,
    Evaluation,
    GateRule,
    HeadEvidence,
    MetricEvidence,
    ModelId,
    Rules,
)
from components.evaluation.units import Units
from components.families.base import Metric
from components.settings.project import Evaluation as Settings
from components.settings.project import Gate

DEFAULTS = Settings()
CONFIDENCE, LOSS = 0.95, 2.0  # of the margin
COVERED = (50, 100, 200, 700, 2000)  # rows of the test sets whose intervals are judged
JUDGED = (200, 700, 2000, 10_000, 50_000)  # and of those that go through the gate
MOST_PAIRS = 10_000  # of them, documents have so many pairs that a table of a population ends
SPREAD, DISCORDANT, TASKS, MARGIN = 0.003, 0.05, 6, 0.03  # of two seeds; rows they answer differently
Share = tuple[float, int]  # and of how many

MAKERS: dict[str, Callable[[], World]] = {
    "accuracy .8": lambda: worlds.shares(0.8, 0.7, 1),
    "accuracy .95": lambda: worlds.shares(0.95, 0.7, 2),
    "macro-F1 of 50": lambda: worlds.classes(50, 0.8, 0.85, 3),
    "entity F1": lambda: worlds.entities(1.0, 0.88, 0.7, 4),
    "ROUGE": lambda: worlds.rouge(0.5, 5),
    "Pearson": lambda: worlds.scores(0.6, 6),
    "Pearson over pairs": lambda: worlds.pairs(0.6, 7),
}
HEADS = ("accuracy .8", "macro-F1 of 50", "entity F1", "Pearson over pairs", "ROUGE")  # of a release


@functools.cache
def made(name: str) -> World:
    """A world, once in a process."""
    return MAKERS[name]()


def main() -> None:
    arguments = _arguments()
    started = time.time()
    with ProcessPoolExecutor(arguments.processes) as pool:
        sizes = [(rows, max(40, arguments.sets // 5)) for rows in JUDGED]
        asked = [(name, rows, arguments.sets) for name in MAKERS for rows in COVERED]
        by_rows = pool.map(judged, sizes[::-1])  # the long ones first, all at once
        by_task, held = pool.map(promoted, _own_tasks(arguments)), pool.map(coverage, asked)
        releases = dict(zip(JUDGED, list(by_rows)[::-1], strict=True))
        own, covered = dict(by_task), dict(zip([one[:2] for one in asked], held, strict=True))
    seeds = two_seeds(arguments.sets)
    _print(covered, releases, own, seeds)
    finish(_goals(covered, releases, own, seeds), seconds=round(time.time() - started))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path(), help="a finished run")
    parser.add_argument("--second", type=Path, help="another training of it; by default TF-IDF fits stand in")
    parser.add_argument("--sets", type=int, default=1000, help="test sets of a line")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


# --- one test set ---------------------------------------------------------------------------------------


def evidence(world: World, rows: int, who: str, generator: np.random.Generator) -> tuple[int, MetricEvidence]:
    """A model against the champion on a test set of a world: how many rows it has, and what is measured."""
    place_N, groups = world.draw(rows, generator)
    tables = {name: table[place_N] for name, table in world.tables.items()}
    metric = _of_tables(world.metric)
    answers: Any = {"model": tables[who], "trivial": tables["trivial"], "linear": tables["trivial"]}
    ground = CommonGround(np.ones(len(place_N), dtype=bool), {}, True, None)
    meeting = Meeting(said=tables["champion"], ground=ground, since=None)
    return len(place_N), compare(metric, [], answers, {}, Units.of(groups), CONFIDENCE, {CHAMPION: meeting})


def _of_tables(metric: Metric) -> Metric:
    """The metric of answers that are its own statistics."""
    return Metric(
        metric.name, lambda rows, said, facts: said, metric.of_sums, metric.better, kind=metric.kind
    )


def verdict(heads: Mapping[str, tuple[int, float, MetricEvidence]]) -> dict[str, str]:
    """What the gate says of each head, and of the release: rows, margin and evidence by head."""
    champion = ChampionEvidence(release="a", model="b", manifest="c", heads=list(heads), not_compared={})
    tasks = {
        name: HeadEvidence(
            task=name, family="", rows={"test": rows}, metrics={"m": measured}, share=1.0, classes=[]
        )
        for name, (rows, _, measured) in heads.items()
    }
    rules = Rules(
        gates={
            name: GateRule(metric="m", floor=-1.0, margin=margin) for name, (_, margin, _) in heads.items()
        },
        shown_loss=DEFAULTS.shown_loss,
        anchor_margin=DEFAULTS.anchor_margin,
    )
    found = gate.verdict(
        Evaluation(model=ModelId(sha256="d"), champion=champion, confidence=CONFIDENCE, tasks=tasks), rules
    )
    return {"release": found.verdict.lower(), **{name: task.gate for name, task in found.tasks.items()}}


# --- what is asked of many test sets --------------------------------------------------------------------


def coverage(asked: tuple[str, int, int]) -> dict[str, float]:
    """How often the intervals of the value, the difference and the gain over the trivial model hold the
    truth, and the one-sided bound of the difference."""
    name, rows, sets = asked
    world, generator = made(name), np.random.default_rng(rows)
    value, trivial = world.truth("equal"), world.truth("trivial")
    apart = value - world.truth("champion")
    held = np.zeros(4)
    for _ in range(sets):
        _, found = evidence(world, rows, "equal", generator)
        against = found.champion
        assert against is not None and against.low is not None  # noqa: S101
        ends = ((found.interval, value), (against.interval, apart), (found.over_trivial, value - trivial))
        held += [*(low <= truth <= high for (low, high), truth in ends), against.low <= apart]
    return dict(zip(("value", "difference", "over trivial", "bound"), (held / sets).tolist(), strict=True))


def judged(asked: tuple[int, int]) -> dict[str, dict[str, Share]]:
    """Of releases of five heads with so many rows each: how often each head, and the release, is rejected or
    passes, where all heads are as good as the champion's, and where one has lost."""
    rows, sets = asked
    generator = np.random.default_rng(rows)
    known = {name: made(name) for name in HEADS}
    lossy = {name: world.with_loss(LOSS * world.margin, 9) for name, world in known.items()}
    outcomes: list[dict[str, str]] = []
    caught: dict[str, list[tuple[str, str]]] = {name: [] for name in HEADS}
    for _ in range(sets):
        equal, worse = (
            {
                name: _measured(world, min(rows, MOST_PAIRS) if world.groups else rows, who, generator)
                for name, world in both.items()
            }
            for both, who in ((known, "equal"), (lossy, "worse"))
        )
        outcomes.append(verdict(equal))
        for name in HEADS:
            found = verdict({**equal, name: worse[name]})
            caught[name].append((found[name], found["release"]))
    return _shares(outcomes, caught)


def _measured(
    world: World, rows: int, who: str, generator: np.random.Generator
) -> tuple[int, float, MetricEvidence]:
    count, found = evidence(world, rows, who, generator)
    return count, world.margin, found


def _shares(
    outcomes: list[dict[str, str]], caught: Mapping[str, list[tuple[str, str]]]
) -> dict[str, dict[str, Share]]:
    sets = len(outcomes)

    def share(name: str, outcome: str) -> Share:
        return sum(one[name] == outcome for one in outcomes) / sets, sets

    return {
        "false reject": {name: share(name, "reject") for name in ("release", *HEADS)},
        "equal passes": {
            "release": share("release", "promote"),
            **{name: share(name, "pass") for name in HEADS},
        },
        "loss rejected": {
            name: (sum(own == "reject" for own, _ in found) / sets, sets) for name, found in caught.items()
        },
        "loss kept back": {
            name: (sum(own != "pass" for own, _ in found) / sets, sets) for name, found in caught.items()
        },
    }


def _own_tasks(arguments: argparse.Namespace) -> list[tuple[Path, Path | None, str, Gate, int]]:
    """The tasks of the project, if it has predictions."""
    root = arguments.project
    if not (root / "predictions").is_dir():
        return []
    gates = params.load(root / "params.yaml").gates()
    return [
        (root, arguments.second, name, rule, arguments.sets // 2)
        for name, rule in gates.items()
        if (root / "data" / name).is_dir()
    ]


def promoted(asked: tuple[Path, Path | None, str, Gate, int]) -> tuple[str, dict[str, float]]:
    """A task of the project: how often two equal models pass and are rejected on its own number of test rows,
    and how often the interval of its model's value holds it."""
    root, second, name, rule, sets = asked
    world = worlds.real(root, name, rule, second)
    even, generator = worlds.exchanged(world, 3), np.random.default_rng(4)
    rows, value = world.tables["trivial"].shape[0], world.truth("model")
    found = [verdict({name: _measured(even, rows, "equal", generator)})[name] for _ in range(sets)]
    small = [evidence(world, 200, "model", generator)[1].interval for _ in range(sets)]
    return name, {
        "rows": rows,
        "sets": sets,
        "pass": found.count("pass") / sets,
        "reject": found.count("reject") / sets,
        "covered": sum(low <= value <= high for low, high in small) / sets,
    }


def two_seeds(sets: int) -> dict[int, dict[str, Share]]:
    """Releases of six tasks whose true accuracies differ from the champion's by 0.3 points (standard
    deviation): how often the gate rejects, and how often a rule did that rejects every significant loss."""
    return {rows: _two_seeds(rows, sets, np.random.default_rng(rows)) for rows in (2000, 10_000, 50_000)}


def _two_seeds(rows: int, sets: int, generator: np.random.Generator) -> dict[str, Share]:
    new, old, passed = 0, 0, 0
    for _ in range(sets):
        shift = generator.normal(0, SPREAD, TASKS)
        counts = [_counts(rows, apart, generator) for apart in shift]
        found = verdict({str(task): (rows, MARGIN, _accuracy(one)) for task, one in enumerate(counts)})
        new += found["release"] == "reject"
        passed += found["release"] == "promote"
        p_values = {
            task: float(stats.norm.cdf((one.won - one.lost) / max(one.won + one.lost, 1) ** 0.5))
            for task, one in enumerate(counts)
        }
        old += bool(gate.holm(p_values, 1 - CONFIDENCE))
    return {"old": (old / sets, sets), "new": (new / sets, sets), "promoted": (passed / sets, sets)}


def _counts(rows: int, apart: float, generator: np.random.Generator) -> Difference:
    shares = ((DISCORDANT + apart) / 2, (DISCORDANT - apart) / 2, 1 - DISCORDANT)
    won, lost, _ = generator.multinomial(rows, np.clip(shares, 0, 1) / np.clip(shares, 0, 1).sum())
    return Difference(won=float(won), lost=float(lost), units=rows, worth=1.0, freedom=None)


def _accuracy(counted: Difference) -> MetricEvidence:
    against = Comparison(
        value=0.9, difference=counted.value, interval=counted.interval(CONFIDENCE), p=counted.p_worse(),
        low=counted.low(CONFIDENCE), discordant=int(counted.won + counted.lost), rows=counted.units,
        counted=counted,
    )  # fmt: skip
    value = 0.9 + counted.value
    return MetricEvidence(
        value=value, interval=[value - 0.01, value + 0.01], trivial=0.4, linear=0.8,
        over_trivial=[0.4, 0.6], over_linear=[0.05, 0.15], champion=against,
    )  # fmt: skip


def exact_coverage(accuracy: float, rows: int, around: float = 0.0) -> float:
    """Of the interval of a share, by every outcome; of truths up to `around` to each side in the mean."""
    right = np.arange(rows + 1)
    ends = np.array([wilson(one / rows, rows, 1.959964) for one in right])
    truths = np.linspace(accuracy - around, min(accuracy + around, 0.999), 41) if around else [accuracy]
    held = [stats.binom.pmf(right, rows, p)[(ends[:, 0] <= p) & (p <= ends[:, 1])].sum() for p in truths]
    return float(np.mean(held))


# --- what is printed ------------------------------------------------------------------------------------

Covered = Mapping[tuple[str, int], Mapping[str, float]]
Releases = Mapping[int, Mapping[str, Mapping[str, Share]]]


def _goals(
    covered: Covered,
    releases: Releases,
    own: Mapping[str, Mapping[str, float]],
    seeds: Mapping[int, Mapping[str, Share]],
) -> list[Goal]:
    return [*_coverage_goals(covered), *_release_goals(releases), *_own_goals(own), *_seed_goals(seeds)]


def _goal(line: str, share: Share, goal: str | None) -> Goal:
    value, sets = share
    return Goal(line, value, wilson(value, sets, 1.96), goal)


def _coverage_goals(covered: Covered) -> Iterator[Goal]:
    """The farthest from 95 % of each kind, from 50 rows on."""
    for kind in ("value", "difference", "over trivial"):
        for name in MAKERS:
            found = [values[kind] for (world, _), values in covered.items() if world == name]
            line = f"coverage of the {kind} of {name}"
            yield Goal(f"{line}, least", min(found), (min(found), max(found)), ">= 0.93")
            yield Goal(f"{line}, most", max(found), (min(found), max(found)), "<= 0.97")
    for rows in (50, 200):
        near, at = exact_coverage(0.985, rows, 0.01), exact_coverage(0.99, rows)
        yield Goal(
            f"coverage of accuracies from .975 to .995 at {rows} rows, exact", near, (at, near), ">= 0.93"
        )


def _release_goals(releases: Releases) -> Iterator[Goal]:
    for rows, found in releases.items():
        promised = rows >= 700
        yield _goal(
            f"{rows} rows: two equal releases of five tasks end in REJECT",
            found["false reject"]["release"],
            "<= 0.05",
        )
        for name in HEADS:
            yield _goal(
                f"{rows} rows: a loss of twice the margin of {name} is kept back",
                found["loss kept back"][name],
                ">= 0.9" if promised else None,
            )
            yield _goal(
                f"{rows} rows: a loss of twice the margin of {name} is rejected",
                found["loss rejected"][name],
                ">= 0.9" if promised else None,
            )
            yield _goal(f"{rows} rows: an equal model passes by {name}", found["equal passes"][name], None)


def _own_goals(own: Mapping[str, Mapping[str, float]]) -> Iterator[Goal]:
    for name, found in own.items():
        sets = int(found["sets"])
        yield _goal(f"an equal model passes {name}", (found["pass"], sets), ">= 0.8")
        yield _goal(f"an equal model is rejected by {name}", (found["reject"], sets), "<= 0.05")
        yield _goal(f"coverage of {name} at 200 rows", (found["covered"], sets), ">= 0.93")


def _seed_goals(seeds: Mapping[int, Mapping[str, Share]]) -> Iterator[Goal]:
    for rows, found in seeds.items():
        line = f"{rows} rows a task: two seeds 0.3 points apart, six tasks"
        yield _goal(f"{line}: REJECT", found["new"], "<= 0.05")
        yield _goal(f"{line}: REJECT where every significant loss is one", found["old"], None)
        yield _goal(f"{line}: PROMOTE", found["promoted"], None)


def _print(
    covered: Covered,
    releases: Releases,
    own: Mapping[str, Mapping[str, float]],
    seeds: Mapping[int, Mapping[str, Share]],
) -> None:
    console = Console(width=150)
    table = Printed(
        "metric",
        *(f"{rows} rows" for rows in COVERED),
        title="coverage: value / difference / over trivial / bound",
    )
    for name in MAKERS:
        cells = (" ".join(f"{100 * value:.1f}" for value in covered[name, rows].values()) for rows in COVERED)
        table.add_row(name, *cells)
    console.print(table)
    for what in next(iter(releases.values())):
        table = Printed("of five tasks", *(f"{rows} rows" for rows in releases), title=what)
        for name in ("release", *HEADS):
            if all(name in found[what] for found in releases.values()):
                table.add_row(name, *(_share(found[what][name]) for found in releases.values()))
        console.print(table)
    table = Printed(
        "task",
        "rows",
        "an equal model passes",
        "is rejected",
        "covered at 200 rows",
        title="the project's tasks",
    )
    for name, found in own.items():
        shares = (_share((found[kind], int(found["sets"]))) for kind in ("pass", "reject", "covered"))
        table.add_row(name, f"{found['rows']:.0f}", *shares)
    console.print(table)
    table = Printed(
        "rows a task", "old rule: REJECT", "REJECT", "PROMOTE", title="two seeds 0.3 points apart, six tasks"
    )
    for rows, shares_of in seeds.items():
        table.add_row(f"{rows}", *(_share(shares_of[name]) for name in ("old", "new", "promoted")))
    console.print(table)


def _share(share: Share) -> str:
    low, high = wilson(*share, 1.96)
    return f"{100 * share[0]:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


if __name__ == "__main__":
    main()
