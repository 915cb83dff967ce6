"""How the last run went: .onetrunk/run.json, which outlives the run and needs no server to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.errors import UserError
from components.files import read_json, write_json
from flows.running.lock import WORKSPACE, is_running

RECORD = WORKSPACE / "run.json"


def begin(root: Path, target: str | None, locked: list[str]) -> list[str]:
    """A run has started, and found the stages `locked` in dvc.lock; a killed run leaves this.

    Returns:
        What the first of the runs found that were killed since one has ended, which is what
        `graph.settle_lock` is to keep to.
    """
    last = _read(root)
    if last is not None and last["state"] == "running":
        locked = last.get("locked", locked)
    write_json(root / RECORD, {"state": "running", "target": target, "locked": locked})
    return locked


def complete(root: Path, target: str | None) -> None:
    """The run has done all it was asked, and DVC finds nothing to do."""
    write_json(root / RECORD, {"state": "completed", "target": target})


def fail(
    root: Path, target: str | None, failed: dict[str, str], not_run: list[str], users_mistake: bool
) -> None:
    """Stages have failed (stage -> sentence; "" for the run as a whole) and held others up."""
    write_json(
        root / RECORD,
        {
            "state": "failed",
            "target": target,
            "failed": failed,
            "not_run": not_run,
            "users_mistake": users_mistake,
        },
    )


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
