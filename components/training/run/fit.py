"""Files in, files out: encoded tasks, plan, encoder, and the release that the training goes on from, if any
-> models/multitask and reports/training.json."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from components import families, program
from components.data.contract import beginning
from components.data.contract.beginning import BEGINNING, START, Beginning
from components.data.contract.cards import HeadCard, HeadCards
from components.data.contract.rows import read_rows
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture.draws import Plan
from components.data.mixture.plan import easiest
from components.data.mixture.records import PLAN, PlanRecord
from components.encoder.place import CONFIG, ENCODER, TOKENIZER, digest
from components.errors import UserError
from components.files import atomic_folder, verify_manifest
from components.model import index
from components.model.inference import vectors
from components.model.multitask import MultiTaskModel
from components.model.saving import MODEL, save_apart, take_over
from components.settings.project import Project
from components.settings.training import Training
from components.training import parallel
from components.training.affinity import Affinity
from components.training.run import checkpoint, curve, stopping
from components.training.run.loop import Loop
from components.training.run.machine import precision_of
from components.training.run.measured import ReadRows
from components.training.run.records import TRAINING, ScheduledEvaluation, TrainingReport
from components.training.run.state import Entry
from components.training.run.watcher import Watcher

TRAINED = ".onetrunk/trained"  # a folder by key, below a project's
RECORD = "training.json"
Trained = tuple[MultiTaskModel, list[Entry]]  # and its history


def run(project: Project, root: Path, watcher: Watcher) -> None:
    """Train the project's plan below `root`, going on from a checkpoint of the same run if there is one.

    What was trained is kept until another run trains: DVC, killed before it has recorded the stage, removes
    the stage's files (docs/decisions/0004), and the same command then writes them again.
    """
    fit = Fit(project, root, PlanRecord.read(root / PLAN), project.seed, begins=beginning.read(root))
    _drop_others(fit)
    if _is_whole(fit.trained):
        watcher.say("this training had ended before; its model is written again")
    else:
        _train(fit, watcher)
    with atomic_folder(root / MODEL) as folder:
        shutil.copytree(fit.trained / "model", folder, dirs_exist_ok=True)
        (fit.begins or Beginning(encoder=digest(fit.encoder))).write(folder / BEGINNING)
    TrainingReport.read(fit.trained / RECORD).write(root / TRAINING)


def _train(fit: Fit, watcher: Watcher) -> None:
    for sentence in fit.begins.sentences if fit.begins else []:
        watcher.say(sentence)
    model, history = fit.train(watcher)
    tokenizer, encoded = fit.encoder / TOKENIZER, fit.root / "encoded"
    with atomic_folder(fit.trained) as folder:
        save(model, encoded, tokenizer, folder / "model", fit.auxiliary)
        evaluations = [ScheduledEvaluation.model_validate(entry) for entry in history]
        report = TrainingReport(
            metrics=fit.metrics,
            precision=fit.training.precision,
            evaluations=evaluations,
            kept=stopping.kept(history),
            ahead=curve.ahead(history),
        )
        report.write(folder / RECORD)
    shutil.rmtree(fit.checkpoints, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    try:
        verify_manifest(folder)
    except UserError:
        return False
    return True


def _drop_others(fit: Fit) -> None:
    """Remove what other runs have trained; DVC has recorded it, or nobody asks for it any more."""
    for folder in fit.trained.parent.glob("*"):
        if folder != fit.trained:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Fit:
    """One training run below `root`: by a plan, with a seed, of some heads."""

    project: Project
    root: Path
    plan: PlanRecord
    seed: int
    heads: tuple[str, ...] = ()  # those that train; none named: all
    area: str = ".onetrunk/checkpoints"  # the folder of its checkpoints, below `root`
    begins: Beginning | None = None  # what it begins with; None: the pretrained encoder

    @property
    def encoder(self) -> Path:
        return self.root / ENCODER

    @property
    def goes_on(self) -> Beginning | None:
        """From which release the run goes on; None: from none."""
        return self.begins if self.begins and self.begins.release else None

    @cached_property
    def cards(self) -> dict[str, HeadCard]:
        """The cards of the heads that train."""
        folders = [self.root / "encoded" / name for name in self.plan.tasks]
        found = {head: card for folder in folders for head, card in cards_of(folder).items()}
        return {head: card for head, card in found.items() if not self.heads or head in self.heads}

    @property
    def auxiliary(self) -> list[str]:
        """The heads of auxiliary tasks."""
        return [head for head, card in self.cards.items() if self.plan.tasks[card["task"]].auxiliary]

    @property
    def metrics(self) -> dict[str, str]:
        """What each head's validation score is: the first metric of its family."""
        return {
            head: families.get(card["family"]).metrics_for(card["facts"]["options"])[0].name
            for head, card in self.cards.items()
        }

    @cached_property
    def key(self) -> str:
        """The name of the run: whatever changes the trained weights changes it."""
        return self._key(self.training)

    def _key(self, settings: Training) -> str:
        model = self.project.model.model_dump(exclude={"encoder"})  # its files say more than its name
        training = settings.model_dump()
        plan = self.plan.model_dump(mode="json")
        goes_on = self.goes_on and [self.goes_on.model, self.goes_on.taken_over]
        shaping = [self.seed, model, training, plan, self.heads, goes_on, code(self.families)]
        return checkpoint.key(shaping, inputs(self.root, self.plan.tasks))

    @cached_property
    def training(self) -> Training:
        """The settings, with the precision that `auto` is on this machine."""
        asked = self.project.training
        precision = precision_of(asked.precision, self.root, self.device)
        return asked.model_copy(update={"precision": precision})

    @property
    def device(self) -> torch.device:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @property
    def families(self) -> set[str]:
        return {card["family"] for card in self.cards.values()}

    @property
    def checkpoints(self) -> Path:
        return self.root / self.area / self.key

    @property
    def trained(self) -> Path:
        """What the run ends with."""
        return self.root / TRAINED / self.key

    def train(self, watcher: Watcher, affinity: Affinity | None = None) -> Trained:
        """The trained model, and its history; goes on from a checkpoint if there is one."""
        processes = self.training.processes  # settles the precision before the others get a copy of this
        self._say_left_behind(watcher)
        with parallel.group(processes, self._train, Watcher(), affinity):
            return self._train(watcher, affinity)

    def _say_left_behind(self, watcher: Watcher) -> None:
        """Say it where `auto` was another precision when this run was broken off: it begins anew."""
        begun, now = {folder.name for folder in self.checkpoints.parent.glob("*")}, self.training.precision
        if self.project.training.precision != "auto" or not begun or self.key in begun:
            return
        for other in {"fp32", "bf16"} - {now}:
            if self._key(self.training.model_copy(update={"precision": other})) in begun:
                watcher.say(
                    f"training.precision: auto is {now} now, and the checkpoint of this training is in "
                    f"{other}, so it begins anew; say `precision: {other}` in params.yaml to go on from it"
                )

    def _train(self, watcher: Watcher, affinity: Affinity | None) -> Trained:
        """What every process does; only the first is watched."""
        loop = self.loop(watcher, affinity)
        history = loop.run()
        return loop.model, history

    def loop(self, watcher: Watcher, affinity: Affinity | None = None) -> Loop:
        """The loop of this run, before its first step."""
        encoded = self.root / "encoded"
        splits = {name: EncodedSplit(encoded / name / "train.arrow") for name in self.plan.tasks}
        plan = Plan.of(self.plan, easiest(self.plan, splits))
        model = MultiTaskModel.from_encoder(self.encoder, self.cards, self.project.model.dropout, self.seed)
        if self.goes_on:
            take_over(model, self.root / START, self.goes_on.taken_over)
        torch.nn.Module.to(model, self.device)
        return Loop(
            model,
            plan,
            self.training,
            self.seed,
            splits,
            {name: EncodedSplit(encoded / name / "validation.arrow") for name in plan.tasks},
            _validation_rows(self.root / "data", self.cards),
            self.checkpoints,
            watcher,
            affinity,
        )


def code(families: Collection[str]) -> dict[str, str]:
    """What shapes the weights of heads of these families: path -> digest."""
    return program.digests(program.closure(__name__, families=families))


def inputs(root: Path, names: Iterable[str]) -> list[Path]:
    """The files that the weights depend on: the encoder, the encoded tasks of these names.

    Raises:
        UserError: no encoder has been brought.
    """
    encoder = root / ENCODER
    if not (encoder / CONFIG).is_file():
        raise UserError(
            f"{encoder}: not there; `onetrunk run` brings it (and a project of an earlier version needs "
            f"`onetrunk upgrade` once)"
        )
    manifests = [root / "encoded" / name / "manifest.json" for name in names]
    return [*encoder.glob("*.safetensors*"), encoder / CONFIG, *manifests]


def save(
    model: MultiTaskModel, encoded: Path, tokenizer: Path, target: Path, apart: Collection[str] = ()
) -> None:
    """Write model, indices and tokenizer atomically, with a manifest; the heads `apart` in a file of their
    own."""
    with atomic_folder(target) as folder:
        save_apart(model, folder, apart)
        found = vectors(model, encoded)
        for head, rows in index.candidates(model.config.tasks).items():
            index.write(folder, head, rows, found[head].cpu().numpy())
        shutil.copy(tokenizer, folder / TOKENIZER)


def _validation_rows(data: Path, cards: HeadCards) -> ReadRows:
    rows = {head: read_rows(data / card["task"], "validation", head) for head, card in cards.items()}
    return lambda head, numbers: [rows[head][number] for number in numbers]
