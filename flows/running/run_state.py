"""How the last run went: .onetrunk/run.json, which outlives the run and needs no server to read; and, as it
ends, a line in the history of runs.

The run of this very process is remembered as well, so that a full disk cannot hide how it has ended.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from components.errors import UserError
from components.files import read_json, write_json
from flows.running import clock, history
from flows.running.lock import WORKSPACE, is_running

RECORD = WORKSPACE / "run.json"
_own: dict[Path, dict[str, Any]] = {}  # project -> the record of this process's run
_starts: dict[Path, str] = {}  # project -> when a run began that has no record yet
COMMANDS = {True: "onetrunk run", False: "onetrunk check"}  # whether all stages were asked for


def begin(root: Path, target: str | None, locked: list[str]) -> list[str]:
    """A run has started, and found the stages `locked` in dvc.lock; a killed run leaves this.

    Returns:
        What the first of the runs found that have not completed since one has, which is what
        `graph.settle_lock` is to keep to.
    """
    last = _read(root)
    if last is not None and last["state"] != "completed":
        locked = last.get("locked", locked)
        if last["state"] == "running":
            history.append(root, _run(last, "interrupted"))
    started = _starts.pop(root, None) or clock.now()
    _own[root] = {"state": "running", "target": target, "locked": locked, "started": started}
    write_json(root / RECORD, _own[root])
    return locked


def started(root: Path) -> str:
    """When this process's run began, which may be before it is written down: it asks remotes first."""
    own = _own.get(root)
    return str(own["started"]) if own else _starts.setdefault(root, clock.now())


def complete(
    root: Path, target: str | None, stages: dict[str, float] | None = None, judged: bool = False
) -> None:
    """The run has done all it was asked, and DVC finds nothing to do.

    `stages` are those that were started, with seconds; `judged` says that the reports' verdict is of it.
    """
    _end(root, {"state": "completed", "target": target}, stages, judged)


def fail(
    root: Path,
    target: str | None,
    failed: dict[str, str],
    not_run: list[str],
    users_mistake: bool,
    stages: dict[str, float] | None = None,
    judged: bool = False,
) -> None:
    """Stages have failed (stage -> sentence; "" for the run as a whole) and held others up."""
    record = {"state": "failed", "target": target, "failed": failed, "not_run": not_run}
    before = _own.get(root) or _read(root) or {}  # of a run that failed before it began
    locked = {"locked": before["locked"]} if "locked" in before else {}
    _end(root, {**record, "users_mistake": users_mistake, **locked}, stages, judged)


def _end(root: Path, record: dict[str, Any], stages: dict[str, float] | None, judged: bool) -> None:
    record |= {"started": started(root), "ended": clock.now()}
    record |= history.outcome(root) if judged else {}
    record["stages"] = {name: round(seconds, 1) for name, seconds in (stages or {}).items()}
    _own[root] = record
    with contextlib.suppress(OSError):  # the disk may be what the run has failed for
        write_json(root / RECORD, record)
        history.append(root, _run(record, record["state"]))


def _run(record: dict[str, Any], state: str) -> history.Run:
    """The record as the history has it; one of an earlier version knows no times."""
    kept = {
        name: record[name] for name in ("verdict", "model", "release", "failed", "stages") if name in record
    }
    return history.Run(
        started=record.get("started", ""),
        ended=record.get("ended"),
        command=COMMANDS[record["target"] is None],
        state=state,
        **kept,
    )


def runs(root: Path) -> list[history.Run]:
    """All runs that are remembered, oldest first, the one that goes on or was killed last among them."""
    past, record = history.read(root), last(root)
    if record is not None and record["state"] in ("running", "interrupted"):
        past.append(_run(record, record["state"]))
    return past


def own(root: Path) -> dict[str, Any] | None:
    """The record of this process's run; None before it has begun."""
    return _own.get(root)


def has_ended(root: Path) -> bool:
    """Tell whether this process's run has written down how it ended."""
    return root in _own and _own[root]["state"] != "running"


def last(root: Path) -> dict[str, Any] | None:
    """The last run's record, its `state` running, completed, failed or interrupted; None before the first."""
    record = _read(root)
    if record is not None and record["state"] == "running" and not is_running(root):
        record["state"] = "interrupted"
    return record


def _read(root: Path) -> dict[str, Any] | None:
    """The record; None where there is none, or one that a disk has torn: it says nothing that is needed."""
    try:
        record = read_json(root / RECORD)
    except UserError:
        return None
    return record if isinstance(record, dict) and "state" in record else None
