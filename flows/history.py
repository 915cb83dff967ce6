"""`onetrunk history`: the last runs, what they came to and how long they took."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.evaluation.summary import VERDICT_STYLES
from flows.running import clock, history, run_state

SHOWN = 10
STYLES = {"completed": "green", "failed": "red", "interrupted": "yellow", "running": "cyan"}


def show(root: Path, as_json: bool) -> None:
    """Print the last runs, newest last; as JSON all that is remembered, one list."""
    runs = run_state.runs(root)
    if as_json:
        print(json.dumps([asdict(run) for run in runs], indent=2, ensure_ascii=False))
    elif not runs:
        print("no run yet; try onetrunk run")
    else:
        console = Console(highlight=False)
        console.print(_table(runs[-SHOWN:]))
        console.print(f"logs of the last {history.LOGS_KEPT} runs: {history.RUNS}/", style="dim")


def _table(runs: list[history.Run]) -> Table:
    result = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)  # fits eighty columns
    for title in ("started", "took", "command", "ended", "verdict", "slowest stage"):
        result.add_column(title, overflow="ellipsis", no_wrap=True)
    for run in runs:
        verdict = Text(run.verdict or "", VERDICT_STYLES.get(run.verdict or "", ""))
        state = Text(run.state, STYLES.get(run.state, ""))
        result.add_row(_started(run), _took(run), run.command, state, verdict, _note(run))
    return result


def _started(run: history.Run) -> str:
    return clock.local(run.started) if run.started else ""


def _took(run: history.Run) -> str:
    return clock.duration(clock.seconds_between(run.started, run.ended)) if run.ended and run.started else ""


def _note(run: history.Run) -> str:
    """The stage that failed, or the one that took longest."""
    if run.failed:
        return f"{next(iter(run.failed)) or 'flow'} failed"
    if not run.stages:
        return ""
    slowest = max(run.stages, key=lambda name: run.stages[name])
    return f"{slowest} {clock.duration(run.stages[slowest])}"
