"""What the coming training begins with: the champion's weights or none, settled once for each training.

The champion changes with each release, and a training must not begin anew because of its own. So a training
is known by a digest of all that shapes it but its start. Where the champion is this very training, it begins
as that has begun; and what was settled for a training stays so while the same release is served
(docs/decisions/0081-warm-start.md).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from components import families
from components.data.contract import known_rows
from components.data.contract.beginning import BEGINNING, NEW, START, Beginning, NewRows
from components.data.contract.cards import HeadCard, HeadCards
from components.data.encoding.split import cards_of
from components.data.validation.records import VALIDATION, Validation
from components.encoder.place import ENCODER, digest
from components.errors import UserError
from components.files import MANIFEST, atomic_folder, read_json, sha256, verify_manifest
from components.model.index import WEIGHTS
from components.release import registry, signing
from components.release.registry import BUNDLE, Registry, Release
from components.settings.project import Project
from components.settings.start import FromChampion

CONFIG = "config.json"
CODE = ("program/plan.json", "program/train.json")  # what the coming training can reach


def settle(project: Project, root: Path, asked: bool) -> Beginning:
    """Write models/start/champion, unless it says so already; `asked`: the run answers a request.

    Raises:
        UserError: the registry cannot be read, or the champion's bytes cannot be had.
    """
    wanted, found = project.start.champion, registry.read(root)
    assert wanted is not None  # noqa: S101 dvc.yaml has the stage where it is
    training, before = _training(project, root), _before(root)
    version = found.champion.version if found.champion else None
    if before and (before.training, before.champion) == (training, version):
        return before
    beginning = _settled(project, root, wanted, asked, found, training)
    if before and _same(before, beginning):
        return before
    _write(project, root, beginning, found)
    return beginning


def _before(root: Path) -> Beginning | None:
    """What is there, whole."""
    try:
        verify_manifest(root / START)
        return Beginning.read(root / START / BEGINNING)
    except UserError:
        return None


def _same(one: Beginning, other: Beginning) -> bool:
    """Do both come to the same? By which champion it was settled does not matter, nor in which words."""
    unsaid = {"champion": None, "why": None}
    return one.model_copy(update=unsaid) == other.model_copy(update=unsaid)


def _training(project: Project, root: Path) -> str:
    """The digest of all that shapes a training, but for the release that it goes on from."""
    shaping: dict[str, Any] = {
        "seed": project.seed,
        "dropout": project.model.dropout,
        "settings": project.model_dump(mode="json", include={"mixture", "training", "start"}),
        "renamed": project.evaluation.renamed,
        "exclude": Validation.read(root / VALIDATION).between_tasks.exclude,
        "encoder": digest(root / ENCODER),
        "encoded": {task: sha256(root / "encoded" / task / MANIFEST) for task in project.tasks},
        "code": [sha256(root / file) for file in CODE if (root / file).is_file()],
    }
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:16]


def _settled(
    project: Project, root: Path, wanted: FromChampion, asked: bool, found: Registry, training: str
) -> Beginning:
    """From the champion, or from scratch and why."""
    today, encoder = found.champion, digest(root / ENCODER)
    known = today.record.beginning if today else None
    if known and known.training == training:
        return known
    scratch = Beginning(encoder=encoder, training=training, champion=today.version if today else None)
    if today is None:
        return scratch.model_copy(update={"why": "there is no release yet"})
    if why := _why_scratch(today, wanted, asked, encoder):
        return scratch.model_copy(update={"why": why})
    return scratch.model_copy(
        update={
            "release": today.version,
            "model": today.record.model,
            "of_training": wanted.of_training,
            "replay": wanted.replay,
            **_heads(project, root, read_json(found.folder(today) / BUNDLE / CONFIG)),
        }
    )


def _why_scratch(today: Release, wanted: FromChampion, asked: bool, encoder: str) -> str | None:
    if wanted.runs == "asked" and not asked:
        return "start.champion.runs is asked, and this run answers no request"
    if wanted.runs == "unasked" and asked:
        return "start.champion.runs is unasked, and this run answers a request"
    known = today.record.beginning
    if known is None:
        return f"{today.version} does not say which encoder it has begun with; the next release will"
    if known.encoder != encoder:
        return f"models/encoder is not the encoder that {today.version} has begun with"
    return None


def _heads(project: Project, root: Path, config: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Which heads of a release with this configuration are taken over, and why the others begin anew."""
    from components.evaluation.champion import todays_names, why_not  # and torch, only when it is asked

    known: HeadCards = config["tasks"]
    names = {today: old for old, today in todays_names(known, project.evaluation.renamed).items()}
    own = {h: card for task in project.tasks for h, card in cards_of(root / "encoded" / task).items()}
    taken_over, anew = {}, {}
    for head, card in own.items():
        there, old_task = names.get(head, head), names.get(card["task"], card["task"])
        old = HeadCard(**{**card, "task": old_task})
        if card["task"] in project.mixture.auxiliary:
            anew[head] = "no release has the head of an auxiliary task"
        elif there not in known:
            anew[head] = "the release does not have it"
        elif why := why_not(known[there], old) or _other_outputs(known[there], card, config["encoder"]):
            anew[head] = why
        else:
            taken_over[head] = there
    return {"taken_over": taken_over, "anew": anew}


def _other_outputs(known: HeadCard, card: HeadCard, encoder: dict[str, Any]) -> str | None:
    """Why the weights of a head of the one card are not those of the other's; None where they are."""
    family, facts = families.get(card["family"]), (known["facts"], card["facts"])
    before, now = map(family.outputs, facts)
    if before != now:
        return "its labels changed, or what else its outputs stand for"
    heads = [family.head(encoder["hidden_size"], one) for one in facts]
    shapes = [{name: one.shape for name, one in head.named_parameters()} for head in heads]
    return None if shapes[0] == shapes[1] else "its weights have other shapes"


def _write(project: Project, root: Path, beginning: Beginning, found: Registry) -> None:
    with atomic_folder(root / START) as folder:
        beginning.write(folder / BEGINNING)
        if beginning.release is None:
            return
        bento = found.folder(found.release(beginning.release))
        signing.check(bento, root)
        bundle = bento / BUNDLE
        for name in (CONFIG, WEIGHTS):
            shutil.copyfile(bundle / name, folder / name)
        if sha256(folder / WEIGHTS) != beginning.model:
            raise UserError(
                f"{beginning.release}: its weights are not those that {START / BEGINNING} names; run again"
            )
        NewRows(tasks=_new_rows(project, root, bundle)).write(folder / NEW)


def _new_rows(project: Project, root: Path, bundle: Path) -> dict[str, list[int]]:
    """Of each task that the release knows, the training rows that it has not learnt from."""
    from components.evaluation.champion import todays_names

    known = known_rows.read(bundle / known_rows.FILE) or {}
    names = {today: old for old, today in todays_names(known, project.evaluation.renamed).items()}
    found = {}
    for task, settings in project.tasks.items():
        if (rows := known.get(names.get(task, task))) is not None:
            family = families.get(settings.family)
            found[task] = known_rows.new_rows(root / "data" / task, family, rows.train_N).tolist()
    return found
