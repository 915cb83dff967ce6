"""Is the gate calibrated? `python -m benchmarks.gate`.

From outcomes of known truth (benchmarks/worlds.py) and, where `--project` is a finished run, from its real
predictions: how often intervals hold the truth, how often two equally good models end in REJECT, how often a
loss of twice the margin is caught, by the number of test rows, what a year of retrains loses, and how often
the project's own tasks let an equal model pass. Every test set goes through the pipeline's own `compare` and
`gate.verdict`. Spreads are 95 % intervals of the shares (Wilson's). The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

from rich.console import Console

from benchmarks import worlds
from benchmarks.calibration import absolute, coverage, ends, many, own, releases, seeds, values, years
from benchmarks.calibration.shares import Share
from benchmarks.goals import Goal, finish


@dataclass(frozen=True)
class Answers:
    """What each question has found."""

    coverage: coverage.Covered
    values: values.Found
    absolute: absolute.Found
    ends: ends.Found
    many: Mapping[str, Share]
    releases: Mapping[int, releases.Found]
    seeds: Mapping[int, Mapping[str, Share]]
    years: Mapping[float, years.Years]
    own: Mapping[str, Mapping[str, Share]]


def main() -> None:
    arguments = _arguments()
    started = time.time()
    found = _ask(arguments)
    _print(found)
    finish(_goals(found), seconds=round(time.time() - started))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path(), help="a finished run")
    parser.add_argument("--second", type=Path, help="another training of it; by default TF-IDF fits stand in")
    parser.add_argument("--sets", type=int, default=500, help="test sets of a line")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def _ask(arguments: argparse.Namespace) -> Answers:
    """All at once, what takes longest first."""
    sets = arguments.sets
    sizes = [(rows, max(10, round(part * sets))) for rows, part in releases.ROWS.items()][::-1]
    covered = [(name, rows, sets) for name in worlds.MAKERS for rows in coverage.ROWS]
    lost = [(each, max(10, sets // 4)) for each in years.EACH]
    tasks = own.tasks(arguments.project, arguments.second, sets // 2)
    with ProcessPoolExecutor(arguments.processes) as pool:
        by_rows, by_loss = pool.map(releases.measure, sizes), pool.map(years.measure, lost)
        by_task, held = pool.map(own.measure, tasks), pool.map(coverage.measure, covered)
        of_values, of_absolute = values.asked(sets), absolute.asked(sets)
        alone, sums = pool.map(values.measure, of_values), pool.map(absolute.measure, of_absolute)
        single = [(name, ends.AGAIN * sets) for name in ends.ASKED]
        of_ends = pool.map(ends.measure, single)
        apart, chance = pool.submit(seeds.measure, sets), pool.submit(many.measure, sets)
        return Answers(
            coverage=dict(zip([one[:2] for one in covered], held, strict=True)),
            values=dict(zip([one[:2] for one in of_values], alone, strict=True)),
            absolute=dict(zip([one[:2] for one in of_absolute], sums, strict=True)),
            ends=dict(zip(ends.ASKED, of_ends, strict=True)),
            many=chance.result(),
            releases=dict(sorted(zip([rows for rows, _ in sizes], by_rows, strict=True))),
            seeds=apart.result(),
            years=dict(zip(years.EACH, by_loss, strict=True)),
            own=dict(by_task),
        )


def _goals(found: Answers) -> list[Goal]:
    def each() -> Iterator[Goal]:
        yield from coverage.goals(found.coverage)
        yield from values.goals(found.values)
        yield from absolute.goals(found.absolute)
        yield from ends.goals(found.ends)
        yield from many.goals(found.many)
        yield from releases.goals(found.releases)
        yield from seeds.goals(found.seeds)
        yield from years.goals(found.years)
        yield from own.goals(found.own)

    return list(each())


def _print(found: Answers) -> None:
    console = Console(width=150)
    console.print(coverage.table(found.coverage), *releases.tables(found.releases))
    console.print(values.table(found.values), absolute.table(found.absolute), ends.table(found.ends))
    console.print(
        many.table(found.many), seeds.table(found.seeds), years.table(found.years), own.table(found.own)
    )


if __name__ == "__main__":
    main()
