"""The page of a validation: one self-contained HTML file, drawn from the result.

It holds counts, label names, and of rows at fault their place and their text's beginning; it loads nothing
from anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.data.ingest.records import Cleaned, Crowd
from components.data.validation.records import (
    CheckResult,
    Counts,
    HeadRows,
    Lengths,
    Status,
    TaskValidation,
    Validation,
)
from components.files import atomic_file
from components.pages import render as pages

TEMPLATE = Path(__file__).with_name("page.html.jinja")
STATUSES: tuple[Status, ...] = ("error", "warning", "pass")  # the worst first
SHOWN_LABELS = 12  # the rest is folded away
FOLDED_LABELS = 300  # so many, with those that are shown; reports/validation has all
REASONS = {
    "duplicates": "repeats of a text",
    "conflicts": "one text, several targets",
    "leakage": "text also in a held-out split",
    "straddling": "groups in two splits",
    "rare": "class without a training row",
    "unreadable": "cannot be read",
}


@dataclass(frozen=True)
class Place:
    """Where a row, or what else is at fault, is found."""

    where: str
    text: str = ""
    id: str = ""


@dataclass(frozen=True)
class ShownCheck:
    """A check, and where its rows at fault are found."""

    title: str
    status: Status
    detail: str | None
    rows: list[Place]


@dataclass(frozen=True)
class Bar:
    """A label or a bin, by split."""

    label: str
    counts: dict[str, int]
    shares: dict[str, float]  # of the split
    widths: dict[str, float]  # of its bar, in percent of the widest


@dataclass(frozen=True)
class Target:
    """A head's bars; a joint head's rows are those that have its target."""

    head: str
    rows: int
    first: list[Bar]
    rest: list[Bar]  # folded away
    more: int  # labels that the page has no room for


@dataclass(frozen=True)
class Column:
    """A column of a histogram of 100 units' height."""

    low: int
    high: int
    count: int
    height: float


@dataclass(frozen=True)
class Histogram:
    """Lengths of texts, empty bins at the ends left out."""

    columns: list[Column]
    median: float
    longest: int


@dataclass(frozen=True)
class ShownTask:
    """What the template shows of one task."""

    name: str
    family: str
    status: Status
    verdict: str
    failed: list[ShownCheck]
    held: list[ShownCheck]
    contents_checked: bool
    rows: dict[str, int]
    read: int
    crowd: Crowd | None  # texts that several annotators have answered
    removed: list[tuple[str, int, list[Place]]]  # why, how many, the first of them
    removed_total: int
    targets: list[Target]
    histogram: Histogram | None


def write_page(path: Path, result: Validation) -> None:
    """Draw the result; the file is whole or absent."""
    with atomic_file(path) as temporary:
        temporary.write_text(render(result), encoding="utf-8")


def render(result: Validation) -> str:
    """The page as HTML."""
    leaks = result.between_tasks.leaks
    return pages.render(
        TEMPLATE,
        result=result,
        tasks=[_task(name, report) for name, report in result.tasks.items()],
        leaks=[(name, other, rows) for name, others in leaks.items() for other, rows in others.items()],
    )


def _task(name: str, report: TaskValidation) -> ShownTask:
    errors, warnings, held = (
        [_check(check) for check in report.checks if check.status == status] for status in STATUSES
    )
    status, checks = next(pair for pair in zip(STATUSES, (errors, warnings, held), strict=True) if pair[1])
    removed, skipped = report.ingest.removed, report.ingest.read.skipped
    return ShownTask(
        name=name,
        family=report.family,
        status=status,
        verdict=pages.count(len(checks), "check" if status == "pass" else status),
        failed=errors + warnings,
        held=held,
        contents_checked=report.contents_checked,
        rows=report.rows,
        read=report.ingest.read.rows,
        crowd=report.ingest.crowd,
        removed=_removed(report.ingest),
        removed_total=sum(removed.values()) + sum(skipped.values()),
        targets=_targets(name, report),
        histogram=_histogram(report.lengths),
    )


def _check(check: CheckResult) -> ShownCheck:
    """What is no row, such as a column, has no place."""
    rows = [Place(f"{row.split} row {row.row:,}", row.text, row.id) for row in check.rows]
    return ShownCheck(check.title, check.status, check.detail, rows or [Place(one) for one in check.examples])


def _removed(ingest: Cleaned) -> list[tuple[str, int, list[Place]]]:
    removed = [
        (
            REASONS.get(reason, reason),
            count,
            [Place(row.place, row.text, row.id) for row in ingest.removed_rows[reason]],
        )
        for reason, count in ingest.removed.items()
    ]
    for reason, count in ingest.read.skipped.items():
        first = [Place(row.place, row.text) for row in ingest.removed_rows.get(reason, [])]
        removed.append((REASONS.get(reason, reason), count, first))
    return removed


def _targets(name: str, report: TaskValidation) -> list[Target]:
    """Every head's bars, the task's own first."""
    own = HeadRows(rows=report.rows, distribution=report.distribution)
    targets = []
    for head, rows in {name: own, **report.heads}.items():
        bars = _bars(rows.distribution)
        total = sum(rows.rows.values())
        first, rest, more = bars[:SHOWN_LABELS], bars[SHOWN_LABELS:FOLDED_LABELS], bars[FOLDED_LABELS:]
        targets.append(Target(head, total, first, rest, len(more)))
    return targets


def _bars(distribution: Mapping[str, Counts]) -> list[Bar]:
    counts = {split: dict(pairs) for split, pairs in distribution.items()}
    labels = list(dict.fromkeys(label for pairs in distribution.values() for label, _ in pairs))
    totals = {split: max(1, sum(by_label.values())) for split, by_label in counts.items()}
    shares = [{s: counts[s].get(label, 0) / totals[s] for s in counts} for label in labels]
    widest = max((share for of_label in shares for share in of_label.values()), default=1.0) or 1.0
    return [
        Bar(
            label,
            {split: counts[split].get(label, 0) for split in counts},
            of_label,
            {split: round(100 * share / widest, 2) for split, share in of_label.items()},
        )
        for label, of_label in zip(labels, shares, strict=True)
    ]


def _histogram(lengths: Lengths | None) -> Histogram | None:
    if lengths is None or not any(count for _, _, count in lengths.bins):
        return None
    filled = [number for number, (_, _, count) in enumerate(lengths.bins) if count]
    bins = lengths.bins[filled[0] : filled[-1] + 1]
    tallest = max(count for _, _, count in bins)
    columns = [Column(low, high, count, round(100 * count / tallest, 2)) for low, high, count in bins]
    return Histogram(columns, lengths.median, lengths.longest)
