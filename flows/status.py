"""`onetrunk status`: stages, last run, last verdict and champion, on one screen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.errors import UserError
from components.evaluation import summary
from components.evaluation.records import EVALUATION, VERDICT, Evaluation, ModelId, Verdict
from components.release import registry
from components.rollout.records import WorkerReport
from flows.rollout import service
from flows.running import clock, graph, run_state
from flows.running.console import fit

LINES = 8  # changed stages that are named with their reasons
WIDTH = 64  # characters of one stage's reasons
GATE = "gate"
WORDS = {"always changed": "asked at every run", "changed command": "its command"}
CODE = ("components/", "serving/", "flows/", "program/")


def show(root: Path) -> None:
    """Print it; reads DVC's status and the reports, and starts nothing."""
    pipeline = None
    try:
        pipeline = graph.read().if_unchanged()
        stages = _stages(pipeline)
    except graph.BusyError as error:
        stages = Text(str(error), "yellow")
    table = Table.grid(padding=(0, 2))
    table.add_row("stages", stages)
    table.add_row("last run", _last_run(run_state.last(root)))
    table.add_row("verdict", _verdict(root, pipeline))
    table.add_row("champion", Text(_champion(root)))
    for workers in service.running(root):
        table.add_row("service", Text(_service(workers)))
    Console(highlight=False).print(table)


def _stages(pipeline: graph.Graph) -> Text:
    if not pipeline.stale:
        return Text(f"all {len(pipeline.upstream)} up to date", "green")
    recorded = graph.locked_stages()
    if not recorded:
        return Text(f"none of {len(pipeline.upstream)} has run yet", "yellow")
    changed = [name for name in pipeline.upstream if name in pipeline.changed]
    known, new = ([name for name in changed if (name in recorded) is there] for there in (True, False))
    head = f"{len(changed)} of {len(pipeline.upstream)} changed, {len(pipeline.stale)} to look at"
    lines = [
        summary.shorten(f"{name}: {why(pipeline.reasons.get(name, []))}", WIDTH) for name in known[:LINES]
    ]
    lines += [f"and {len(known) - LINES} more"] if len(known) > LINES else []
    lines += [fit(f"not run yet, or failed: {', '.join(new)}", WIDTH)] if new else []
    return Text("\n".join([head, *lines]), "yellow")


def why(reasons: list[Any]) -> str:
    """What DVC says of a changed stage, in a person's words: settings, code, data, outputs."""
    found: dict[str, list[str]] = {}
    for reason in reasons:
        if not isinstance(reason, dict):  # "always changed", "changed command"
            found.setdefault(WORDS.get(reason, str(reason)), [])
            continue
        for kind, items in reason.items():
            for path, change in items.items():
                subject, detail = _subject(kind, path, change)
                found.setdefault(subject, []).extend(detail)
    return "; ".join(f"{what} {', '.join(details)}".strip() for what, details in found.items()) or "changed"


def _subject(kind: str, path: str, change: Any) -> tuple[str, list[str]]:
    """The kind of a changed thing, and its name."""
    if isinstance(change, dict):  # the keys of a settings file
        return "settings", list(change)
    name = Path(path).as_posix()
    if kind == "changed outs":
        return ("missing output" if change == "deleted" else "altered output"), [name]
    return ("code" if name.startswith(CODE) or name.endswith(".py") else "data"), [name]


def _last_run(last: dict[str, Any] | None) -> Text:
    if last is None:
        return Text("none yet; try onetrunk run")
    what = run_state.COMMANDS[last["target"] is None]
    if last["state"] in ("running", "interrupted"):
        since = f"since {clock.local(last['started'])}" if "started" in last else ""
        ending = {
            "running": f"is running {since}",
            "interrupted": f"was interrupted ({since}); the same command goes on from there",
        }
        return Text(f"{what} {ending[last['state']]}")
    took = ""
    if "started" in last:
        seconds = clock.seconds_between(last["started"], last["ended"])
        took = f" {clock.local(last['ended'])}, after {clock.duration(seconds)}"
    if last["state"] == "completed":
        return Text(f"{what} completed{took}")
    reasons = "\n".join(f"{stage or 'flow'}: {sentence}" for stage, sentence in last["failed"].items())
    return Text(f"{what} failed{took}\n{reasons}", "red")


def _verdict(root: Path, pipeline: graph.Graph | None) -> Text:
    """What reports/verdict.json says, when that was said, and whether of the model that is here."""
    if not (root / VERDICT).is_file():
        return Text("none; no run has come to the gate")
    try:
        said = Verdict.read(root / VERDICT)
        of = "" if pipeline is None else _whose(root, pipeline, said.model)
    except UserError as error:
        return Text(str(error), "yellow")
    when = clock.local(_judged(root, said))
    return Text.assemble((said.verdict, summary.VERDICT_STYLES[said.verdict]), f", {when}{of}")


def _whose(root: Path, pipeline: graph.Graph, model: ModelId) -> str:
    """Of which state the verdict is. A gate that did not say PROMOTE is a failed stage, which DVC does not
    record: that alone makes the verdict no older."""
    stale = pipeline.stale
    if GATE in pipeline.upstream:
        stale = pipeline.up_to(GATE).stale - {GATE}
    if stale or ((root / EVALUATION).is_file() and Evaluation.read(root / EVALUATION).model != model):
        return ", of an earlier state of the project"
    return ", of the model that is here"


def _judged(root: Path, said: Verdict) -> str:
    """When the run that judged this model ended; a file that DVC has checked out is younger than that."""
    for run in reversed(run_state.runs(root)):
        if (run.verdict, run.model) == (said.verdict, said.model.sha256) and GATE in run.stages and run.ended:
            return run.ended
    return clock.of_seconds((root / VERDICT).stat().st_mtime)


def _service(workers: list[WorkerReport]) -> str:
    """What the workers of a service that runs here answer with, and what they could not load."""
    if not workers:
        return "is starting"
    lines = []
    for said, count in Counter(f"{one.serving}{_beside(one)}" for one in workers).items():
        lines.append(f"{said} ({count} {'worker' if count == 1 else 'workers'})")
    refused = {version: why for one in workers for version, why in one.refused.items()}
    return "\n".join([*lines, *(f"{version} is not loaded: {why}" for version, why in refused.items())])


def _beside(one: WorkerReport) -> str:
    return f", and {one.trying} is tried" if one.trying else ""


def _champion(root: Path) -> str:
    found = registry.read(root)
    if found.champion is None:
        return "none yet"
    record, move = found.champion.record, found.moves[-1]
    said = f"{record.version} (bundle {record.bundle}), released {clock.local(record.date)}"
    said += f"; releases: {len(found.versions)}"
    if move.action != "release":
        when = clock.local(clock.of_seconds(move.when))
        said += f"\n{move.action} {when} by {move.who}{': ' + move.why if move.why else ''}"
    if record.forced is not None:
        said += f"\nforced, the verdict was {record.verdict}: {record.forced}"
    if found.rolled_back:
        said += f"\nrolled back: {', '.join(sorted(found.rolled_back))}"
    return said
