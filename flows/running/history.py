"""The runs of a project, one a line in .onetrunk/history.jsonl; the newest are kept, with their logs.

`run_state` writes a line as a run ends. One that was killed is written down by the next that begins.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock

from components.errors import UserError
from components.evaluation.records import RELEASE, VERDICT, ReleaseReport, Verdict
from components.files import atomic_file
from flows.running.lock import WORKSPACE

HISTORY = WORKSPACE / "history.jsonl"
RUNS = WORKSPACE / "runs"  # a folder of stage logs per run
NEWEST = WORKSPACE / "logs"  # a link to the folder of the run that last had a stage to run
EARLIER = "00000000T000000"  # the logs of a version that kept one folder for all runs
LOG_FOLDER = re.compile(r"\d{8}T\d{6}")
KEPT = 200  # runs
LOGS_KEPT = 20  # runs with logs
_one_at_a_time = Lock()  # the stages of a run, which are threads


@dataclass(frozen=True)
class Run:
    """A run of the pipeline, or of its part that `onetrunk check` needs."""

    started: str  # UTC, ISO 8601
    ended: str | None  # none where it was killed, or goes on
    command: str  # as it was given
    state: str  # completed, failed, interrupted or running
    verdict: str | None = None  # of the gate, where the run came to it
    model: str | None = None  # SHA-256 of the weights that the verdict is of
    release: str | None = None  # that is made of this model
    failed: dict[str, str] = field(default_factory=dict)  # stage -> sentence; "" for the run as a whole
    stages: dict[str, float] = field(default_factory=dict)  # that were started -> seconds


def append(root: Path, run: Run) -> None:
    """Write down a run; where the disk does not take it, the run is not the worse for it."""
    path = root / HISTORY
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    lines = [*lines, json.dumps(asdict(run), ensure_ascii=False)][-KEPT:]
    with contextlib.suppress(OSError), atomic_file(path) as temporary:
        temporary.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def read(root: Path) -> list[Run]:
    """The runs, oldest first; a line that a disk has torn is left out."""
    path = root / HISTORY
    runs = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        with contextlib.suppress(ValueError, TypeError):
            runs.append(Run(**json.loads(line)))
    return runs


def outcome(root: Path) -> dict[str, str | None]:
    """Verdict, model and release as the reports have them; for a run that came to the gate."""
    try:
        verdict = Verdict.read(root / VERDICT)
        said: dict[str, str | None] = {"verdict": verdict.verdict, "model": verdict.model.sha256}
        if verdict.verdict == "PROMOTE" and (root / RELEASE).is_file():
            release = ReleaseReport.read(root / RELEASE)
            said["release"] = release.release if release.model == verdict.model.sha256 else None
    except UserError:  # whoever needs the reports says so
        return {}
    return said


def log_folder(root: Path, started: str) -> Path:
    """The folder for the logs of the run that began then."""
    return root / RUNS / started[:19].replace("-", "").replace(":", "")


def make_log_folder(root: Path, started: str) -> None:
    """Make it at the run's first stage, let .onetrunk/logs be a link to it, and remove the oldest folders."""
    folder = log_folder(root, started)
    with _one_at_a_time:
        if folder.is_dir():
            return
        _keep_earlier(root)
        folder.mkdir(parents=True)
        _point_to(root, folder)
        earlier = [path for path in (root / RUNS).iterdir() if LOG_FOLDER.fullmatch(path.name)]
        earlier.remove(folder)  # by name it is not the newest where the clock was put back
        for old in sorted(earlier)[: 1 - LOGS_KEPT]:
            _remove_logs(old)


def _remove_logs(folder: Path) -> None:
    """Remove the logs, and the folder unless somebody has put something else into it."""
    with contextlib.suppress(OSError):
        for log in folder.glob("*.log"):
            log.unlink()
        folder.rmdir()


def _point_to(root: Path, folder: Path) -> None:
    link, target = root / NEWEST, folder.relative_to(root / WORKSPACE)
    made = link.with_name(f".{link.name}.{os.getpid()}.onetrunk.tmp")
    made.unlink(missing_ok=True)
    made.symlink_to(target)
    made.replace(link)


def _keep_earlier(root: Path) -> None:
    logs = root / NEWEST
    if logs.is_dir() and not logs.is_symlink():
        (root / RUNS).mkdir(parents=True, exist_ok=True)
        logs.replace(root / RUNS / EARLIER)
