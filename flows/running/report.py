"""The first and the last words of a run on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from components.errors import EXIT_FAILED, EXIT_USER_ERROR
from components.evaluation import summary
from components.evaluation.records import SUMMARY, VERDICT
from flows.running import budget, graph, promise, run_state
from flows.running.console import GATE
from flows.running.dvc_stage import log_path
from flows.running.graph import Graph

console = Console(highlight=False)


def announce(stages: Graph) -> None:
    """Say how much there is to do, before the seconds of silence while Prefect's server starts."""
    console.print(
        f"{len(stages.upstream)} stages, {len(stages.stale)} of them not up to date; "
        "starting Prefect's server (10 to 30 seconds)"
    )


def nothing_to_do(root: Path, target: str | None, stages: Graph) -> int:
    """All stages are skipped: show what the last run has come to, composed anew from its reports."""
    console.print(f"{len(stages.upstream)} stages, all skipped: nothing has changed since they last ran")
    locked = run_state.begin(root, target, graph.locked_stages())
    graph.settle_lock(locked, stages)  # which a killed run may have left to do
    run_state.complete(root, target, judged=target is None)
    if target is None and (root / VERDICT).is_file():
        summary.write(root)
    return _completed(root, target)


def show(root: Path, target: str | None) -> int | None:
    """Show what this process's run has come to, and return the exit code; None if it has not ended.

    The summary is shown only if this very run has written it, so an old verdict never looks new.
    """
    own = run_state.own(root)
    if own is None or not run_state.has_ended(root):
        return None
    if own["state"] == "failed":
        return _failed(root, target, own)
    return _completed(root, target)


def _completed(root: Path, target: str | None) -> int:
    if target is not None:
        console.print("\nSettings, data and encoder are in order: reports/validation.html")
        budget.show(console, root, measure=True)
        promise.show(console, root)
        console.print("Next: onetrunk run")
    else:
        _summary(root)
    return 0


def _failed(root: Path, target: str | None, own: dict[str, Any]) -> int:
    if target is None:
        _summary(root)
    if own["failed"].keys() == {GATE} and (root / SUMMARY).is_file():  # which says why, and what next
        console.print(Text("\nNothing new was released.", "bold red"))
    else:
        _failures(root, target, own["failed"], own["not_run"])
    return EXIT_USER_ERROR if own["users_mistake"] else EXIT_FAILED


def _failures(root: Path, target: str | None, failed: dict[str, str], not_run: list[str]) -> None:
    """What has failed, each with its log, what that held up, and what to do."""
    what = "The run has failed; nothing new was released." if target is None else "The check has failed."
    console.print(Text(f"\n{what}", "bold red"))
    for stage, sentence in failed.items():
        console.print(Text(f"  {stage}: {sentence}" if stage else f"  {sentence}"), soft_wrap=True)
        if stage:
            console.print(Text(f"    log: {log_path(root, stage).relative_to(root)}", "dim"))
    if not_run:
        console.print(Text(f"  held up: {', '.join(not_run)}"), soft_wrap=True)
    console.print(
        "Next: put it right and give the same command again; stages that are done are not repeated."
    )


def _summary(root: Path) -> None:
    if (root / SUMMARY).is_file():
        console.print()
        console.print(summary.render(summary.read(root), root))
