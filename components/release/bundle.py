"""The bundle: the model's files and the card that says what they are and what they were made from.

The version is a digest of the card, and the card names everything that is packed by its SHA-256. So
equal versions mean equal releases, and a changed line of code is another version.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

from components.data.contract.cards import HeadCard
from components.errors import UserError
from components.evaluation.records import EVALUATION, VERDICT, Evaluation, Verdict
from components.files import read_json, sha256, verify_manifest, write_manifest
from components.model import index, saving
from components.release.records import BundleCard, Code, Limits, PackedModel, PackedTask
from components.settings.project import Packaging

MODEL = Path("models/multitask")
WEIGHTS = index.WEIGHTS
FILES = ("config.json", WEIGHTS, "tokenizer.json")  # and the indices of its heads


def write(
    project: Path, packaging: Packaging, code: str, folder: Path, forced: str | None = None
) -> BundleCard:
    """Write the bundle of the project's promoted model into `folder`; its manifest comes last.

    `code` is the digest of the code that will serve it; `forced` the reason why it is packed whatever the
    gate says. Returns the card.

    Raises:
        UserError: the verdict is not PROMOTE, or a file is missing, altered or of another model.
    """
    verdict = promoted(project) if forced is None else Verdict.read(project / VERDICT)
    manifest = verify_manifest(project / MODEL)
    folder.mkdir(parents=True)
    names = [*FILES, *map(index.file_name, index.candidates(_cards(project)))]
    for name in names:
        if name not in manifest["files"]:
            raise UserError(f"{project / MODEL / name}: missing, a bundle needs it")
        shutil.copyfile(project / MODEL / name, folder / name)
    hashes = {name: manifest["files"][name]["sha256"] for name in names}
    check_model(verdict, hashes[WEIGHTS])
    index.read_all(folder, _cards(project))
    card = BundleCard(
        name=packaging.name,
        version="",
        model=PackedModel(sha256=hashes[WEIGHTS], files=hashes),
        data=_data(project),
        code=Code(sha256=code),
        commit=_commit(project),
        verdict=verdict.verdict,
        forced=forced,
        limits=Limits(**packaging.model_dump(exclude={"name"})),
        tasks=_tasks(project, hashes[WEIGHTS], verdict),
    )
    content = json.dumps(card.model_dump(mode="json", exclude={"version"}), sort_keys=True)
    version = hashlib.sha256(content.encode()).hexdigest()[:12]
    card = card.model_copy(update={"version": version})
    card.write(folder / "card.json")
    write_manifest(folder)
    return card


def promoted(project: Path) -> Verdict:
    """Read the verdict; anything but PROMOTE is refused (UserError), so the gate fails closed."""
    verdict = Verdict.read(project / VERDICT)
    if verdict.verdict != "PROMOTE":
        found = verdict.reasons()
        why = f" ({'; '.join(found)})" if found else ""
        raise UserError(
            f"{VERDICT}: the verdict is {verdict.verdict}, expected PROMOTE; nothing is released{why}"
        )
    return verdict


def check_model(verdict: Verdict, model: str) -> None:
    """Raise UserError where the verdict was passed on another model."""
    if (judged := verdict.model.sha256) != model:
        raise UserError(f"{VERDICT}: is of model {judged[:12]}, but this one is {model[:12]}; run again")


def _tasks(project: Path, weights: str, verdict: Verdict) -> dict[str, PackedTask]:
    """What a caller may know of every task: family, labels, metrics with intervals and baselines."""
    evaluation = Evaluation.read(project / EVALUATION)
    if evaluation.model.sha256 != weights:
        found, expected = evaluation.model.sha256[:12], weights[:12]
        raise UserError(
            f"{EVALUATION}: is of model {found}, but {MODEL / WEIGHTS} is {expected}; evaluate again"
        )
    return {
        name: PackedTask(
            family=card["family"],
            labels=card["facts"].get("labels"),
            inputs=card["inputs"],
            max_length=card["max_length"],
            gate=verdict.tasks[name].gate,
            rows=evaluation.tasks[name].rows,
            share=evaluation.tasks[name].share,
            metrics=evaluation.tasks[name].metrics,
        )
        for name, card in _cards(project).items()
    }


def _data(project: Path) -> dict[str, dict[str, str]]:
    """SHA-256 of every split of every task's rows, from the files on the disk; also of the auxiliary tasks,
    which are not released but have shaped the weights."""
    cards = {**_cards(project), **saving.auxiliary_cards(project / MODEL)}
    folders = {card["task"]: project / "data" / card["task"] for card in cards.values()}
    return {
        name: {file.stem: sha256(file) for file in sorted(folder.glob("*.parquet"))}
        for name, folder in folders.items()
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
