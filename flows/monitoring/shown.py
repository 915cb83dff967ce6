"""What is shown of a window that was judged: Markdown on Prefect's page, a table on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.markdown import escaped
from components.monitoring.records import Judgement

TITLES = ("topic", "negative", "articles", "expected", "q", "")
SHOWN = 10  # topics of a window


def markdown(judgement: Judgement) -> list[str]:
    """The window as lines of Markdown."""
    rows = _rows(judgement)
    table = [_line(TITLES), _line(["---"] * len(TITLES)), *(_line(map(escaped, row)) for row in rows)]
    return ["", _window(judgement), *(["", *table] if rows else []), *_left_out(judgement)]


def show(console: Console, judgement: Judgement) -> None:
    """Print the window."""
    console.print(Text(f"\n{_window(judgement)}"))
    if rows := _rows(judgement):
        table = Table(box=None, padding=(0, 1, 0, 0))
        for title in TITLES:
            side: Literal["left", "right"] = "left" if title in ("topic", "") else "right"
            table.add_column(Text(title), justify=side, overflow="fold")
        for *cells, verdict in rows:
            table.add_row(*map(Text, cells), Text(verdict, "bold red"))
        console.print(table)
    for line in _left_out(judgement):
        console.print(Text(line), soft_wrap=True)


def _rows(judgement: Judgement) -> list[Sequence[str]]:
    """A row for each topic that has a verdict, the likeliest surge first."""
    tested = [
        (found.q, found.p, topic, found) for topic, found in judgement.topics.items() if found.q is not None
    ]
    return [
        (
            topic, str(found.negatives), str(found.articles), f"{found.expected:.1f}", f"{q:.2g}",
            "SURGE" if found.surge else "",
        )
        for q, _, topic, found in sorted(tested, key=lambda one: one[:2])[:SHOWN]
    ]  # fmt: skip


def _left_out(judgement: Judgement) -> list[str]:
    """Which topics have no row, and why."""
    tested = sum(found.q is not None for found in judgement.topics.values())
    few = len(judgement.topics) - tested
    lines = [f"\nand {tested - SHOWN} topics more, none of them likelier"] if tested > SHOWN else []
    if few:
        lines.append(f"\n{few:,} topic{'' if few == 1 else 's'} with too little history for a verdict")
    return lines


def _window(judgement: Judgement) -> str:
    return f"{judgement.start[:16]} to {judgement.end[:16]}:"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
