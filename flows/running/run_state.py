"""How the last run went: .onetrunk/run.json, which outlives the run and needs no server to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.files import read_json, write_json
from flows.running.lock import WORKSPACE, is_running

RECORD = WORKSPACE / "run.json"


def begin(root: Path, target: str | None) -> None:
    """A run has started; a killed run leaves this."""
    write_json(root / RECORD, {"state": "running", "target": target})


def complete(root: Path, target: str | None) -> None:
    """The run has done all it was asked."""
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
    if not (root / RECORD).is_file():
        return None
    record: dict[str, Any] = read_json(root / RECORD)
    if record["state"] == "running" and not is_running(root):
        record["state"] = "interrupted"
    return record
