"""A verdict made again from its evidence: it must come out the same, or nobody acts on it.

The verdict names the SHA-256 of the evidence that it was made from and the settings in force, and follows
from those two alone. So whoever holds both files can make it again, today or in a year. Before anything is
packaged or released it must also be the newest of its project: made by the settings of today, from the
evidence that the pipeline has recorded in dvc.lock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.errors import UserError
from components.evaluation import gate
from components.evaluation.records import EVALUATION, VERDICT, Evaluation, Verdict
from components.files import sha256
from components.settings.project import Project

LOCK = Path("dvc.lock")
MADE_BY = {EVALUATION: "evaluate", VERDICT: "gate"}  # the stage that makes each file
NOTHING = "nothing"  # where there is no such key
SHOWN = 3  # differences, in a sentence
LONGEST = 40  # characters of a value


@dataclass(frozen=True)
class Replayed:
    """A verdict, and what its evidence comes to today by the settings that it names."""

    said: Verdict
    again: Verdict | None  # None where that is not the evidence, or it names neither
    differences: list[str]  # none where they agree

    @property
    def other_rules(self) -> str | None:
        """What it was and what it is now, in words, where they do not agree and other rules than today's have
        made it. None where today's have: then nothing but an edit explains what differs."""
        if not self.differences or self.again is None or self.said.judged_by == gate.JUDGED_BY:
            return None
        return (
            f"it was made by {_version(self.said.judged_by)}, today's are version {gate.JUDGED_BY}: it was "
            f"{self.said.verdict}, and under today's it is {self.again.verdict}"
        )


def replay(verdict: Path, evidence: Path) -> Replayed:
    """Make a verdict again from its evidence.

    Raises:
        UserError: one of the files is missing, torn or of another version.
    """
    said, evaluation = Verdict.read(verdict), Evaluation.read(evidence)
    if said.rules is None or said.evidence is None:
        why = "it names neither its evidence nor its settings: it is of an earlier version"
        return Replayed(said, None, [why])
    try:
        again = gate.verdict(evaluation, said.rules, said.evidence)
    except ArithmeticError as error:  # of a number of the right kind, which no measurement comes to
        raise UserError(
            f"{evidence}: no verdict follows from it ({error}): it, or {verdict.name}, was altered: "
            f"{Evaluation.remedy}"
        ) from None
    told, found = (one.model_dump(exclude={"judged_by"}) for one in (said, again))
    unlike = _unlike(told, found)
    if (digest := sha256(evidence)) != said.evidence:
        why = (
            f"{evidence.name} is not the evidence that it names: SHA-256 {digest[:12]}, expected "
            f"{said.evidence[:12]}"
        )
        return Replayed(said, None, [why, *unlike])
    return Replayed(said, again, unlike)


def _version(judged_by: int | None) -> str:
    """Which rules have made a verdict; one that names none may have been edited, too."""
    if judged_by is None:
        return f"rules of the gate before version {gate.JUDGED_BY}, if nobody has edited it"
    return f"version {judged_by} of the gate's rules"


def require(root: Path, verdict: Verdict, project: Project) -> None:
    """Let the verdict of the project in `root` pass only if its pipeline has made it, by these settings.

    Raises:
        UserError: it does not follow from its evidence, was made by other settings than today's, or one of
            the two files is not the one that dvc.lock has recorded.
    """
    _require_todays(root, verdict, project)
    _require_recorded(root, MADE_BY)


def require_evidence(root: Path, verdict: Verdict, project: Project) -> None:
    """The same of a verdict that keeps the model back, of which dvc.lock knows the evidence alone: a stage
    that ends the pipeline is not recorded.

    Raises:
        UserError: as `require`.
    """
    _require_todays(root, verdict, project)
    _require_recorded(root, [EVALUATION])


def _require_todays(root: Path, verdict: Verdict, project: Project) -> None:
    replayed = replay(root / VERDICT, root / EVALUATION)
    if found := replayed.differences:
        why = replayed.other_rules or "does not follow from its evidence"
        raise UserError(f"{VERDICT}: {why} ({'; '.join(found[:SHOWN])}); run again")
    made, in_force = (
        rules.model_dump(mode="json") if rules else {} for rules in (verdict.rules, gate.rules_of(project))
    )
    if made != in_force or verdict.confidence != project.evaluation.confidence:
        what = ", ".join(_unlike(made, in_force)) or "confidence"
        raise UserError(f"{VERDICT}: made by other settings than those of params.yaml ({what}); run again")


def _require_recorded(root: Path, files: Iterable[Path]) -> None:
    recorded = _recorded(root / LOCK)
    for file in files:
        if recorded.get(file.as_posix()) != _md5(root / file):
            raise UserError(
                f"{file}: not the file that stage {MADE_BY[file]} has made (dvc.lock records another, or "
                f"none); run again"
            )


def _unlike(one: Any, other: Any, path: str = "") -> list[str]:
    """The keys, as "tasks.mood.gate", at which two values differ, with what they are."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        return [
            line
            for key in keys
            for line in _unlike(
                one.get(key, NOTHING), other.get(key, NOTHING), f"{path}.{key}" if path else str(key)
            )
        ]
    return [] if one == other else [f"{path} is {_short(one)}, comes out as {_short(other)}"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _recorded(lock: Path) -> dict[str, str]:
    """path -> MD5 of the outputs that dvc.lock has of the stages that make evidence and verdict."""
    try:
        stages = yaml.safe_load(lock.read_text(encoding="utf-8"))
        outs = [out for stage in MADE_BY.values() for out in stages["stages"].get(stage, {}).get("outs", [])]
        return {out["path"]: out["md5"] for out in outs}
    except FileNotFoundError:
        raise UserError(f"{LOCK}: no such file; nobody knows what the pipeline has made; run again") from None
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{LOCK}: cannot be read ({error}); put it back from git, or run again") from None


def _md5(file: Path) -> str:
    """As DVC writes it."""
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
