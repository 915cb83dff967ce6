"""`onetrunk promote` and `onetrunk rollback`: another release becomes the champion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from components.environment import QUIET
from components.errors import UserError
from components.evaluation.answers import ANSWERS
from components.evaluation.records import RELEASE, Verdict
from components.release import moves, registry
from components.release.registry import Registry
from flows.running.lock import only_run

BENTO = Path("bento")
SHARE = "for others: dvc push && git push --atomic ORIGIN --tags"


def roll_back(root: Path, version: str | None, reason: str) -> None:
    """Go back to a release, to the one before the champion if none is named.

    Raises:
        UserError: there is none to go back to, or its bytes cannot be had.
    """
    found = registry.read(root)
    today = _champion(found)
    if version is None and len(found.line) < 2:
        others = (
            f"; --to takes one that was: {', '.join(sorted(found.rolled_back))}" if found.rolled_back else ""
        )
        raise UserError(
            f"{today} is the only champion that was not rolled back; there is none to go back to{others}"
        )
    chosen = moves.promote(version or found.line[-2], reason, root, "rollback")
    if chosen.version == today:
        print(f"{today} is the champion already")
        return
    print(f"{chosen.version} is the champion again, not {today}, which no run promotes again by itself")
    _say_what_is_left()


def promote(root: Path, version: str, reason: str) -> None:
    """Make a release the champion.

    Raises:
        UserError: there is no such release, or its bytes cannot be had.
    """
    before = registry.read(root).line[-1:]
    chosen = moves.promote(version, reason, root)
    if before == [chosen.version]:
        print(f"{chosen.version} is the champion already")
        return
    print(f"{chosen.version} is the champion" + (f", instead of {before[0]}" if before else ""))
    _say_what_is_left()


def force(root: Path, reason: str) -> None:
    """Package and release the model that is here, which the gate did not let through.

    The reason is written into the bundle's card and the release.

    Raises:
        UserError: there is no verdict on this very model, or it is PROMOTE, or the Bento does not answer.
    """
    from components import params
    from components.release import query

    with only_run(root):
        verdict = pack(root, reason)
        query.ask(root / BENTO, params.load().released()).write(root / ANSWERS)
        record(root)
        released = moves.release(root / BENTO, verdict, root)
        released.write(root / RELEASE)
    print(f"{released.release} is the champion, forced against the verdict {verdict.verdict}: {reason}")
    _say_what_is_left()


def pack(root: Path, reason: str) -> Verdict:
    """Pack the model that is here against the gate's word, which is returned; `root` is where we work.

    Raises:
        UserError: there is no verdict on this very model, or it is PROMOTE.
    """
    from components import params
    from components.release import bundle, origins
    from serving.build import build

    verdict, project = bundle.held_back(root), params.load()
    build(root, project.packaging, root / BENTO, origins.of(project, root), reason)
    return verdict


def record(root: Path) -> None:
    """Let DVC keep the Bento's bytes, and dvc.lock name them.

    Raises:
        UserError: DVC refuses.
    """
    command = [sys.executable, "-m", "flows.running.durable_dvc", "commit", "--force", "package"]
    environment = {**QUIET, **os.environ}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(
            f"DVC could not take the Bento into its cache: {' '.join((done.stdout + done.stderr).split())}"
        )


def _champion(found: Registry) -> str:
    if not found.line:
        raise UserError("nothing has been released yet; run `onetrunk run`")
    return found.line[-1]


def _say_what_is_left() -> None:
    print("`onetrunk serve` takes it over within seconds where it runs; a service elsewhere is started anew")
    print(SHARE)
