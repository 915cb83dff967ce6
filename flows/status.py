"""`onetrunk status`: stages, last run, last verdict and champion, on one screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.errors import UserError
from components.evaluation import summary
from components.evaluation.records import SUMMARY
from flows import champion
from flows.running import graph, run_state

COLUMN = 100  # characters of stage names before the list is cut


def show(root: Path) -> None:
    """Print it; reads DVC's status and the reports, and starts nothing."""
    try:
        pipeline = graph.read().if_unchanged()
        stages, stale = _stages(pipeline), bool(pipeline.stale)
    except graph.BusyError as error:
        stages, stale = Text(str(error), "yellow"), True
    table = Table.grid(padding=(0, 2))
    table.add_row("stages", stages)
    table.add_row("last run", _last_run(run_state.last(root)))
    table.add_row("verdict", _verdict(root, stale))
    table.add_row("champion", champion.name(root) if (root / champion.CHAMPION).is_file() else "none yet")
    Console(highlight=False).print(table)


def _stages(pipeline: graph.Graph) -> Text:
    if not pipeline.stale:
        return Text(f"all {len(pipeline.upstream)} up to date", "green")
    changed = [name for name in pipeline.upstream if name in pipeline.changed]
    text = f"{len(pipeline.changed)} of {len(pipeline.upstream)} changed, {len(pipeline.stale)} to look at: "
    return Text(text + summary.shorten(", ".join(changed), COLUMN), "yellow")


def _last_run(last: dict[str, Any] | None) -> Text:
    if last is None:
        return Text("none yet; try onetrunk run")
    what = "onetrunk run" if last["target"] is None else "onetrunk check"
    if last["state"] != "failed":
        ending = {
            "running": "is running",
            "interrupted": "was interrupted; the same command goes on from there",
            "completed": "completed",
        }
        return Text(f"{what} {ending[last['state']]}")
    reasons = "\n".join(f"{stage or 'flow'}: {sentence}" for stage, sentence in last["failed"].items())
    return Text(f"{what} failed\n{reasons}", "red")


def _verdict(root: Path, stale: bool) -> Text:
    if not (root / SUMMARY).is_file():
        return Text("none; the last run did not get that far")
    try:
        verdict = summary.read(root).verdict
    except UserError as error:
        return Text(str(error), "yellow")
    note = " (of an earlier state of the project)" if stale else ""
    return Text.assemble((verdict, summary.VERDICT_STYLES[verdict]), note)
