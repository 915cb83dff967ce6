"""`onetrunk upgrade`: a project after another version of the program was installed.

It brings dvc.yaml to the program's pipeline, takes the releases of an earlier version over into git and DVC,
and says what the next run would run again, and why.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from components import program
from components.errors import UserError
from components.files import BYTECODE
from flows.init import FILES, TEMPLATES

PIPELINE = "dvc.yaml"
ENCODER_IN_PIPELINE = "${model.encoder}"  # of projects before the stage `encoder`
CODE_IN_PIPELINE = re.compile(r"^\s*- (components|serving)(/|$)", re.MULTILINE)  # of projects before `init`
COPIES = ("components", "flows", "serving")  # of the code, that such projects hold
SHOWN = 2  # changed files of a stage
WIDTH = 70  # characters of the stages that one reason has


def refuse_earlier(root: Path) -> None:
    """Check that the project in `root` holds no code of its own, and the pipeline of this program.

    Raises:
        UserError: it does, with the command that mends it.
    """
    pipeline = (root / PIPELINE).read_text(encoding="utf-8")
    if CODE_IN_PIPELINE.search(pipeline):
        raise UserError(
            f"{root / PIPELINE}: made by an earlier version, whose projects held a copy of the program; "
            "run `onetrunk upgrade` once, which takes the copy out and says what will run again"
        )
    if ENCODER_IN_PIPELINE in pipeline:
        raise UserError(
            f"{root / PIPELINE}: made by an earlier version, which had no stage for the encoder; run "
            "`onetrunk upgrade` once, which brings the pipeline to this one and says what will run again"
        )


def run(root: Path) -> int:
    """Bring the project in `root` to the installed program, and say what the next run would do.

    Raises:
        UserError: a file that would be replaced holds changes that git does not have.
    """
    earlier = CODE_IN_PIPELINE.search((root / PIPELINE).read_text(encoding="utf-8"))
    replaced = [*COPIES] if earlier else []
    pipeline = (TEMPLATES / FILES[PIPELINE]).read_bytes()
    if (root / PIPELINE).read_bytes() != pipeline:
        _require_committed(root, [PIPELINE, *replaced])
        for copy in replaced:
            _take_out(root, copy)
        (root / PIPELINE).write_bytes(pipeline)
        print(f"{PIPELINE}: brought to the program's pipeline; `git diff {PIPELINE}` shows how")
    from flows.releases import take_over

    if take_over.is_due(root):
        take_over.run(root)
    from components import params  # every command asks `refuse_earlier`, and most need no settings

    params.load()
    _announce()
    return 0


def _take_out(root: Path, copy: str) -> None:
    """Remove what git holds of a folder, so that nothing is lost; what it ignores there stays."""
    command = ["git", "ls-files", "-z", "--", copy]
    done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    for name in filter(None, os.fsdecode(done.stdout).split("\0")):
        (root / name).unlink(missing_ok=True)
    for bytecode in (root / copy).rglob(BYTECODE):
        shutil.rmtree(bytecode, ignore_errors=True)
    for folder, _, _ in os.walk(root / copy, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
    kept = "; what git does not hold of it stays" if (root / copy).exists() else ""
    print(f"{copy}/: taken out, the installed program is used{kept}")


def _announce() -> None:
    """Say which stages would run again, and for those whose code has changed, which files did."""
    from flows.running import graph
    from flows.running.console import fit

    read, reasons = graph.read(), changed_files()
    why = {stage: reasons.get(stage.replace("@", "/").removesuffix("-seeds")) for stage in read.upstream}
    why |= {stage: reasons.get(stage.partition("@")[0]) for stage in why if why[stage] is None}
    asked = {
        stage for stage in read.always_changed if why[stage] is None
    }  # as always, whatever the program is
    found = graph.Graph(read.upstream, read.changed - asked - {graph.PROGRAM}, read.always_changed)
    if not found.stale:
        print("nothing to run again: no stage can reach a changed line")
        return
    print(f"onetrunk run would look at {len(found.stale)} of {len(found.upstream)} stages again:")
    changed = {stage: why[stage] or [] for stage in found.upstream if stage in found.changed}
    for reason, stages in _by_reason(changed):
        print(f"  {fit(', '.join(stages), WIDTH)}: {reason}")
    if follow := [stage for stage in found.upstream if stage in found.stale - found.changed]:
        print(f"  and what follows from them: {fit(', '.join(follow), WIDTH)}")


def _by_reason(files: Mapping[str, list[str]]) -> Iterable[tuple[str, list[str]]]:
    """The stages that each reason has: those of all tasks mostly have one."""
    found: dict[str, list[str]] = {}
    for stage, changed in files.items():
        found.setdefault(_shortened(changed), []).append(stage)
    return found.items()


def changed_files() -> dict[str, list[str]]:
    """stage (or stage/task) -> the files that have changed since its last run; none if it has not run yet."""
    from components.stages.program import contents

    now = contents()
    found = {}
    for file in program.outdated(program.FOLDER, now):
        name = file.relative_to(program.FOLDER)
        before = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        after = json.loads(now[name])
        changed = sorted(path for path in before | after if before.get(path) != after.get(path))
        found[str(name.with_suffix(""))] = changed if before else []
    return found


def _shortened(files: list[str]) -> str:
    if not files:
        return "it has not run with this pipeline yet"
    more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    return ", ".join(files[:SHOWN]) + more


def _require_committed(root: Path, names: list[str]) -> None:
    command = ["git", "status", "--porcelain", "--", *names]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{root}: git status: {' '.join(done.stderr.split())}")
    if done.stdout.strip():
        raise UserError(
            f"{', '.join(names)}: git does not hold all that would be replaced; commit it first, then "
            "`git diff` shows what the upgrade has changed"
        )
