"""How the last run went: .onetrunk/run.json, which outlives the run and needs no server to read.

The run of this very process is remembered as well, so that a full disk cannot hide how it has ended.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from components.errors import UserError
from components.files import read_json, write_json
from flows.running.lock import WORKSPACE, is_running

RECORD = WORKSPACE / "run.json"
_own: dict[Path, dict[str, Any]] = {}  # project -> the record of this process's run


def begin(root: Path, target: str | None, locked: list[str]) -> list[str]:
    """A run has started, and found the stages `locked` in dvc.lock; a killed run leaves this.

    Returns:
        What the first of the runs found that have not completed since one has, which is what
        `graph.settle_lock` is to keep to.
    """
    last = _read(root)
    if last is not None and last["state"] != "completed":
        locked = last.get("locked", locked)
    _own[root] = {"state": "running", "target": target, "locked": locked}
    write_json(root / RECORD, _own[root])
    return locked


def complete(root: Path, target: str | None) -> None:
    """The run has done all it was asked, and DVC finds nothing to do."""
    _end(root, {"state": "completed", "target": target})


def fail(
    root: Path, target: str | None, failed: dict[str, str], not_run: list[str], users_mistake: bool
) -> None:
    """Stages have failed (stage -> sentence; "" for the run as a whole) and held others up."""
    record = {"state": "failed", "target": target, "failed": failed, "not_run": not_run}
    before = _own.get(root) or _read(root) or {}  # of a run that failed before it began
    locked = {"locked": before["locked"]} if "locked" in before else {}
    _end(root, {**record, "users_mistake": users_mistake, **locked})


def _end(root: Path, record: dict[str, Any]) -> None:
    _own[root] = record
    with contextlib.suppress(OSError):  # the disk may be what the run has failed for
        write_json(root / RECORD, record)


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
