"""What a run has come to, in one paragraph for somebody who was not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from components import advice
from components.errors import UserError
from components.evaluation.records import VERDICT, Verdict
from components.evaluation.summary import shorten
from components.params import PARAMS, reading
from components.settings.secrets import redact
from flows.running.console import GATE

Kind = Literal["promote", "hold", "reject", "failure"]
Told = Kind | Literal["test"]  # or a try whether it arrives
VERDICTS: dict[str, Kind] = {"PROMOTE": "promote", "HOLD": "hold", "REJECT": "reject"}
NAMED = 3  # tasks or stages, each with its sentence
LONGEST = 400  # characters of one sentence
STATUS = "onetrunk status"
RELEASED = "release"  # the last stage


@dataclass(frozen=True)
class News:
    """One thing that a run has come to."""

    kind: Told
    what: str  # in a few words
    task: str  # the tasks, or the stages, that it is about; empty for all
    why: str  # a sentence for each of them
    command: str  # that shows more, for a shell anywhere

    def text(self, project: str) -> str:
        """The paragraph."""
        why = f" {self.why.rstrip('.')}." if self.why else ""
        return f"{project}: {self.what}.{why} More: {self.command}"


def project_name(root: Path) -> str:
    """What params.yaml calls the project, whatever else is wrong there; else what its folder is called."""
    try:
        return str(reading.parse(root / PARAMS)["packaging"]["name"])
    except (UserError, KeyError, TypeError):
        return root.name


def of_run(root: Path, record: Mapping[str, Any] | None, said: str = "") -> list[News]:
    """What is to be told of a run of all stages, by its record; `said` is what it said without one."""
    if record is None:
        return [failure(root, {"": said})]
    failed, done = dict(record.get("failed", {})), record.get("stages", {})
    kind = VERDICTS.get(record.get("verdict") or "")
    found = []
    if kind == "promote" and not failed and {GATE, RELEASED} & {*done}:  # else it is of an earlier run
        found.append(_promoted(root, record.get("release")))
    if kind in ("hold", "reject") and failed.pop(GATE, None) is not None:
        found.append(_judged(root, kind))
    return [*found, failure(root, failed)] if failed else found


def failure(root: Path, failed: Mapping[str, str]) -> News:
    """A run that has failed: stage -> sentence, the stage empty for the run as a whole."""
    stages = [stage for stage in failed if stage]
    log = f"cat .onetrunk/logs/{advice.word(stages[0].replace('/', '.'))}.log" if stages else STATUS
    return News(
        kind="failure",
        what="the run has failed, and nothing new is released",
        task=", ".join(stages),
        why=_sentences([f"{stage}: {text}" if stage else text for stage, text in failed.items()]),
        command=_in(root, log),
    )


def _judged(root: Path, kind: Kind) -> News:
    """A model that the gate has not let pass."""
    verdict = Verdict.read(root / VERDICT)
    judged = [name for name, task in verdict.tasks.items() if task.gate != "pass"]
    return News(
        kind=kind,
        what=f"the gate says {verdict.verdict}, and nothing new is released",
        task=", ".join([*judged, *verdict.dropped]),
        why=_sentences(verdict.reasons()),
        command=_in(root, STATUS),
    )


def _promoted(root: Path, release: str | None) -> News:
    named = f"release {release}" if release else "the new model"
    what = f"the gate says PROMOTE, and {named} is the champion"
    return News(kind="promote", what=what, task="", why="", command=_in(root, STATUS))


def _sentences(lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - NAMED} more"] if len(lines) > NAMED else []
    return redact("; ".join([*(shorten(line, LONGEST) for line in lines[:NAMED]), *more]))


def _in(root: Path, command: str) -> str:
    return f"cd {advice.word(root)} && {command}"
