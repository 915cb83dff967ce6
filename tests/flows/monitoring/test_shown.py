"""A window that was judged, as a person on a terminal and Prefect's page are shown it."""

import io

from rich.console import Console

from components.monitoring.records import Finding, Judgement
from flows.monitoring import shown


def judgement(**topics: Finding) -> Judgement:
    return Judgement(
        number=1, hours=24, start="2026-11-29T00:00:00", end="2026-11-30T00:00:00", model="m", alpha=0.01,
        topics=topics, raised=True,
    )  # fmt: skip


def found(q: float | None, surge: bool = False) -> Finding:
    return Finding(negatives=4, articles=5, windows=12, expected=0.1, p=q, q=q, surge=surge)


def on_terminal(one: Judgement) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    shown.show(console, one)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines() if line.strip()]


def test_a_terminal_shows_columns_the_likeliest_surge_first_and_no_markdown() -> None:
    assert on_terminal(judgement(nat_gas=found(0.5), crude=found(0.0046, surge=True), tea=found(None))) == [
        "2026-11-29T00:00 to 2026-11-30T00:00:",
        "topic   negative articles expected      q",
        "crude          4        5      0.1 0.0046 SURGE",
        "nat_gas        4        5      0.1    0.5",
        "1 topic with too little history for a verdict",
    ]


def test_a_window_without_a_verdict_has_no_table() -> None:
    assert on_terminal(judgement(tea=found(None), tin=found(None))) == [
        "2026-11-29T00:00 to 2026-11-30T00:00:",
        "2 topics with too little history for a verdict",
    ]


def test_prefects_page_gets_markdown_that_a_topic_cannot_break() -> None:
    page = shown.markdown(judgement(**{"oil|gas": found(0.5)}))
    assert "| oil\\|gas | 4 | 5 | 0.1 | 0.5 |  |" in page


def test_topics_beyond_those_that_are_shown_are_counted() -> None:
    many = judgement(**{f"topic {number}": found(0.5) for number in range(shown.SHOWN + 2)})
    assert on_terminal(many)[-1] == "and 2 topics more, none of them likelier"
    assert sum("0.1" in line for line in on_terminal(many)) == shown.SHOWN
