"""One DVC stage as a process: `dvc repro --single-item` (durable_dvc.py), its log, and what came of it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.environment import QUIET
from components.errors import EXIT_TRY_AGAIN, EXIT_USER_ERROR, disk_sentence, disk_sentence_of
from components.monitoring.retraining import BEGAN
from flows.running import history, proxies, run_state
from flows.running.lock import MARK

LOCK_BUSY = re.compile(r"Unable to acquire lock|is busy, it is being blocked by|RWLock-file")
EXITED = re.compile(r"failed to run: .*exited with (-?\d+)$", re.MULTILINE | re.DOTALL)
OF_DVC = re.compile(
    r"$|> |Running stage |Stage '|Updating lock file|Generating lock file|Verifying data sources|"
    r"Use `dvc push`|To track the changes|To enable auto staging|\s*git add |\s*dvc config |WARNING: "
)  # how lines begin that DVC says of itself: they are no progress of the stage
OUT_OF_MEMORY = (-9, 137)  # killed by the kernel, as a signal or as a shell reports it
SECONDS_TO_SAVE = 60.0  # of an interrupted stage: a training ends the step that it is at
_working: set[subprocess.Popen[str]] = set()


@dataclass(frozen=True)
class Outcome:
    """How a stage ended. `unchanged`: DVC looked and found nothing to do; `restored`: DVC had the
    outputs of the same inputs in its cache; `skipped`: no process was needed to know that."""

    verb: Literal["ran", "restored", "unchanged", "skipped", "failed"]
    message: str = ""  # of a failed stage, the sentence to show; of any other, what it warns of
    exit_code: int = 0  # of the stage itself, where it ran
    may_retry: bool = False


def log_path(root: Path, stage: str) -> Path:
    """Where the stage's output goes in this process's run; `.onetrunk/logs` is a link to the folder."""
    return history.log_folder(root, run_state.started(root)) / f"{stage.replace('/', '.')}.log"


def run(root: Path, stage: str, follow: Callable[[str], None]) -> Outcome:
    """Reproduce one stage, calling `follow` with each line that it says, but for DVC's own, as it comes."""
    try:
        with _log(root, stage) as log:
            return _run(root, stage, follow, log)
    except OSError as error:
        return Outcome("failed", disk_sentence(error) or f"cannot be started: {error}")


@contextlib.contextmanager
def _log(root: Path, stage: str) -> Iterator[Callable[[str], None]]:
    """What writes a line into the stage's log, after those of an earlier try. A log that cannot be opened
    is an error before the stage begins; a disk that is full by then is no reason to stop it."""
    path = log_path(root, stage)
    history.make_log_folder(root, run_state.started(root))
    with path.open("ab", buffering=0) as file:

        def write(line: str) -> None:
            with contextlib.suppress(OSError):
                file.write(line.encode())

        yield write


def _run(root: Path, stage: str, follow: Callable[[str], None], log: Callable[[str], None]) -> Outcome:
    command = [sys.executable, "-m", "flows.running.durable_dvc", "repro", "--single-item", stage]
    lines = []
    process = subprocess.Popen(
        command, cwd=root, env=environment(root), text=True, encoding="utf-8", errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    _working.add(process)
    for line in process.stdout or ():
        log(line)
        lines.append(line.rstrip())
        if OF_DVC.match(line) is None:
            follow(line.strip())
    code = process.wait()
    _working.discard(process)
    return _succeeded(lines) if code == 0 else _failed(lines, code)


def stop_all() -> None:
    """Interrupt the stages at work, as Ctrl-C would, and give them time to save what they have; then stop
    them. Each is the leader of a process group."""
    for number in (signal.SIGINT, signal.SIGTERM):
        for process in list(_working):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        deadline = time.monotonic() + SECONDS_TO_SAVE
        while _working and time.monotonic() < deadline:
            time.sleep(0.05)


def environment(root: Path) -> dict[str, str]:
    """The environment of a stage: this interpreter first, telemetry off, output at once, the mark, and
    when its run began."""
    folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])
    inherited = {**QUIET, **proxies.set_aside, **os.environ}
    speech = {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    return {**inherited, **speech, "PATH": path, MARK: str(root), BEGAN: run_state.started(root)}


def _succeeded(lines: list[str]) -> Outcome:
    output, warning = "\n".join(lines), _last(lines, "warning: ")
    if "didn't change, skipping" in output:
        return Outcome("unchanged", warning)
    if "is cached - skipping run" in output:
        return Outcome("restored", warning)
    return Outcome("ran", warning)


def _failed(lines: list[str], dvc_code: int) -> Outcome:
    output = "\n".join(lines)
    exited = EXITED.search(output)
    if exited is None and dvc_code == EXIT_USER_ERROR:  # durable_dvc's own; DVC's are above 250
        return Outcome("failed", _last(lines, "error: "), dvc_code)
    if exited is None:
        busy = LOCK_BUSY.search(output) is not None
        said = _last(lines, "ERROR: ")
        full = disk_sentence_of(said) if "[Errno" in said or "database" in said else None
        return Outcome("failed", full or said or f"dvc exited with {dvc_code}", may_retry=busy)
    code = int(exited[1])
    if code in OUT_OF_MEMORY:
        return Outcome("failed", "killed by the system; out of memory?", code)
    message = _last(lines, "error: ") or _last_of_stage(lines) or f"exited with {code}"
    return Outcome("failed", message, code, may_retry=code == EXIT_TRY_AGAIN)


def _last(lines: list[str], prefix: str) -> str:
    """The last line that starts with `prefix`, without it; empty if there is none."""
    return next((line.removeprefix(prefix) for line in reversed(lines) if line.startswith(prefix)), "")


def _last_of_stage(lines: list[str]) -> str:
    """The last line that the stage itself has written: of a traceback, what was raised."""
    own: Iterator[str] = (line for line in reversed(lines) if line and not line.startswith(("ERROR: ", "> ")))
    return next(own, "")
