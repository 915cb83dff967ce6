"""The bundle: the model's files and the card that says what they are and what they were made from.

The version is a digest of the card, and the card names everything that is packed by its SHA-256. So
equal versions mean equal releases, and a changed line of code is another version.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from components import families, params
from components.data.contract import known_rows
from components.data.contract.beginning import BEGINNING, Beginning
from components.data.contract.cards import HeadCard
from components.errors import UserError
from components.evaluation import replay
from components.evaluation.records import EVALUATION, VERDICT, Evaluation, Verdict, identity
from components.files import read_json, sha256, verify_manifest, write_manifest
from components.model import index, saving
from components.model.saving import MODEL
from components.release import model_card, sbom, signing
from components.release.records import (
    RUNTIMES,
    BundleCard,
    Code,
    Limits,
    Origins,
    PackedModel,
    PackedTask,
    RuntimeReport,
)
from components.settings.project import Packaging
from components.settings.release import EAGER

WEIGHTS = index.WEIGHTS
FILES = ("config.json", WEIGHTS, "tokenizer.json")  # and the indices of its heads


def write(
    project: Path,
    packaging: Packaging,
    code: str,
    folder: Path,
    origins: Origins | None = None,
    needs: Sequence[sbom.Package] = (),
    forced: str | None = None,
    made: Path | None = None,
) -> BundleCard:
    """Write the bundle of the project's promoted model into `folder`; its manifest comes last.

    `code` is the digest of the code that will serve it, which names what that `needs` too; `origins` says
    where encoder and rows are from; `forced` is why it is packed whatever the gate says; `made` holds what
    `runtimes.choose` has written. Model card and bill of materials follow from the card. Returns the card.

    Raises:
        UserError: the verdict is not PROMOTE, or a file is missing, altered or of another model.
    """
    verdict = promoted(project) if forced is None else held_back(project)
    folder.mkdir(parents=True)
    hashes = _copy_model(project, folder)
    check_model(verdict, hashes[WEIGHTS])
    index.read_all(folder, _cards(project))
    shutil.copyfile(project / VERDICT, folder / VERDICT.name)
    runtime, evidence = _copy_runtime(made, folder, hashes)
    evaluation, data = Evaluation.read(project / EVALUATION), _data(project)  # which the verdict follows from
    _require_measured(evaluation, data)
    unnumbered = BundleCard(
        name=packaging.name,
        version="",
        model=PackedModel(sha256=hashes[WEIGHTS], files=hashes),
        data=data,
        code=Code(sha256=code),
        commit=_commit(project),
        verdict=verdict.verdict,
        forced=forced,
        limits=Limits(**packaging.model_dump(include=set(Limits.model_fields))),
        tasks=_tasks(project, evaluation, verdict),
        findings=evaluation.findings,
        evidence={VERDICT.name: sha256(folder / VERDICT.name), **evidence},
        confidence=verdict.confidence,
        champion=identity(verdict.champion),
        origins=origins or Origins(),
        beginning=_beginning(project / MODEL / BEGINNING),
        stated=packaging.card,
        runtime=runtime,
        signer=signing.signer(project, packaging.signing),
    )
    card = _numbered(unnumbered)
    card.write(folder / "card.json")
    model_card.write(folder, card)
    sbom.write(folder, card, needs)
    write_manifest(folder)
    return card


def _copy_model(project: Path, folder: Path) -> dict[str, str]:
    """Copy the model's files and the record of the rows that it knows; the SHA-256 of each."""
    manifest = verify_manifest(project / MODEL)
    names = [*FILES, *map(index.file_name, index.candidates(_cards(project)))]
    for name in names:
        if name not in manifest["files"]:
            raise UserError(f"{project / MODEL / name}: missing, a bundle needs it")
        shutil.copyfile(project / MODEL / name, folder / name)
    known_rows.write(folder / known_rows.FILE, _known_rows(project))
    hashes = {name: manifest["files"][name]["sha256"] for name in names}
    return {**hashes, known_rows.FILE: sha256(folder / known_rows.FILE)}


def _copy_runtime(made: Path | None, folder: Path, hashes: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Copy what a runtime has made and note its hashes; its name, and the SHA-256 of what was measured."""
    if made is None or not (made / RUNTIMES).is_file():
        return EAGER, {}
    for file in sorted(made.iterdir()):
        shutil.copyfile(file, folder / file.name)
        if file.name != RUNTIMES:
            hashes[file.name] = sha256(file)
    return RuntimeReport.read(made / RUNTIMES).chosen, {RUNTIMES: sha256(made / RUNTIMES)}


def _numbered(card: BundleCard) -> BundleCard:
    """The card with its version, the digest of all the rest."""
    content = json.dumps(card.model_dump(mode="json", exclude={"version"}), sort_keys=True)
    return card.model_copy(update={"version": hashlib.sha256(content.encode()).hexdigest()[:12]})


def promoted(project: Path) -> Verdict:
    """Read the verdict; anything but PROMOTE, and a PROMOTE that its evidence does not come to or that the
    pipeline has not made, is refused (UserError), so the gate fails closed."""
    verdict = Verdict.read(project / VERDICT)
    if verdict.verdict != "PROMOTE":
        found = verdict.reasons()
        why = f" ({'; '.join(found)})" if found else ""
        raise UserError(
            f"{VERDICT}: the verdict is {verdict.verdict}, expected PROMOTE; nothing is released{why}"
        )
    replay.require(project, verdict, params.read(project / params.PARAMS))
    return verdict


def held_back(project: Path) -> Verdict:
    """Read a verdict that people overrule; a PROMOTE is refused, and like one that lets a model out one that
    its evidence does not come to, of other settings, or of evidence that the pipeline has not made
    (UserError): people accept what was measured, and that is what the release shows."""
    verdict = Verdict.read(project / VERDICT)
    if verdict.verdict == "PROMOTE":
        raise UserError("the gate said PROMOTE, so there is nothing to force: `onetrunk run` releases it")
    replay.require_evidence(project, verdict, params.read(project / params.PARAMS))
    return verdict


def check_model(verdict: Verdict, model: str) -> None:
    """Raise UserError where the verdict was passed on another model."""
    if (judged := verdict.model.sha256) != model:
        raise UserError(f"{VERDICT}: is of model {judged[:12]}, but this one is {model[:12]}; run again")


def _require_measured(evaluation: Evaluation, data: dict[str, dict[str, str]]) -> None:
    """A card names the test rows beside the metrics: those that they were measured on."""
    for name, measured in evaluation.tasks.items():
        found = data.get(measured.task, {}).get("test")
        if measured.test_set is not None and found != measured.test_set:
            raise UserError(
                f"{EVALUATION}: '{name}' was measured on other test rows ({measured.test_set[:12]}) than "
                f"data/{measured.task}/test.parquet has ({found[:12] if found else 'none'}); run again"
            )


def _beginning(file: Path) -> Beginning | None:
    """What training began with; None beside a model of before."""
    return Beginning.read(file) if file.is_file() else None


def _tasks(project: Path, evaluation: Evaluation, verdict: Verdict) -> dict[str, PackedTask]:
    """What a caller may know of every task: family, labels, metrics with intervals and baselines, and a
    question to it."""
    given = params.read(project / params.PARAMS).tasks
    return {
        name: PackedTask(
            family=card["family"],
            task=card["task"],
            labels=card["facts"].get("labels"),
            inputs=card["inputs"],
            max_length=card["max_length"],
            gate=verdict.tasks[name].gate,
            rows=evaluation.tasks[name].rows,
            share=evaluation.tasks[name].share,
            metrics=evaluation.tasks[name].metrics,
            findings=evaluation.tasks[name].findings,
            example=given[card["task"]].example,
        )
        for name, card in _cards(project).items()
    }


def _data(project: Path) -> dict[str, dict[str, str]]:
    """SHA-256 of every split of every task's rows, from the files on the disk; also of the auxiliary tasks,
    which are not released but have shaped the weights."""
    cards = saving.cards(project / MODEL).values()
    folders = {card["task"]: project / "data" / card["task"] for card in cards}
    return {
        name: {file.stem: sha256(file) for file in sorted(folder.glob("*.parquet"))}
        for name, folder in folders.items()
    }


def _known_rows(project: Path) -> dict[str, known_rows.KnownRows]:
    """The rows of every task that is released, as a later comparison asks for them."""
    own = {head: card for head, card in _cards(project).items() if head == card["task"]}
    return {
        task: known_rows.known_rows(project / "data" / task, families.get(card["family"]))
        for task, card in own.items()
    }


def _cards(project: Path) -> dict[str, HeadCard]:
    """The cards of the model's heads, by name."""
    cards: dict[str, HeadCard] = read_json(project / MODEL / "config.json")["tasks"]
    return cards


def _commit(project: Path) -> str | None:
    """The commit that the project stands on; None outside a git repository."""
    command = ["git", "-c", "safe.directory=*", "rev-parse", "HEAD"]  # the files may be another user's
    try:
        git = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # git is not installed
        return None
    return git.stdout.strip() if git.returncode == 0 else None
