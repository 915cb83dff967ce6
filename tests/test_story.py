"""Months in the life of a small project: what the gate lets out, what it keeps back and why, and the way back;
and a training that goes on from the champion. Data are synthetic; training, evaluation, gate and releases are
the project's own, in one process."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from components import params
from components.data.contract import beginning
from components.data.contract.beginning import Beginning
from components.data.contract.rows import labelled_rows
from components.data.encoding.split import EncodedSplit
from components.data.mixture.records import PLAN, PlanRecord
from components.data.validation.records import VALIDATION, BetweenTasks, Validation
from components.errors import UserError
from components.evaluation.baselines import baselines
from components.evaluation.records import VERDICT, Verdict
from components.files import atomic_folder, sha256, write_manifest
from components.model import saving
from components.model.inference import predict
from components.release import bundle, registry
from components.stages import champion, evaluate, gate, plan, release, start
from components.tracking.terminal import Terminal
from components.training.run.fit import run
from flows.releases import change
from tests import verdicts
from tests.conftest import build_project, encode_project, sentence, write_sources
from tests.release import bentos
from tests.training.runs import Stop, forget

pytestmark = [pytest.mark.slow, pytest.mark.minutes(0.5), pytest.mark.timeout(900)]
MODEL = Path("models/multitask")
ROWS, NOISE = 1200, 0.08  # of mood; and the share of its labels that are noise, so that no model is perfect
FALL = 0.012  # of the accuracy, from one model of the slow decay to the next


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two tasks, in a git repository, with data of its first month."""
    root = bentos.repository(tmp_path / "project")
    build_project(root, tiny_encoder)
    write_sources(root / "sources", 300)
    settings = yaml.safe_load((root / "params.yaml").read_text())
    mood, people = settings["tasks"]["mood"], settings["tasks"]["people"]
    del mood["joint"]
    mood |= {"splits": {"validation": 0.1, "test": 0.4}, "gate": gated("accuracy", 0.6)}
    people |= {"splits": {"validation": 0.1, "test": 0.4}, "gate": gated("entity_f1", 0.2) | {"margin": 0.2}}
    settings |= {"tasks": {"mood": mood, "people": people}, "remotes": {}}
    settings["training"] |= {"learning_rate": 5e-3}
    (root / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    bentos.git(root, "add", "params.yaml", "sources")
    bentos.git(root, "commit", "-q", "-m", "settings and rows")
    monkeypatch.chdir(root)
    return root


def gated(metric: str, floor: float) -> dict[str, Any]:
    return {"metric": metric, "floor": floor, "margin": 0.04}


def write_mood(rows: int = ROWS, poisoned: float = 0.0) -> None:
    """So many rows, of whose labels a share is noise; of those that are no test rows a share is swapped."""
    chance = np.random.default_rng(3).random((rows, 2))
    test = {row["text"] for row in labelled_rows(Path("data/mood"), "test", "mood")} if poisoned else set()
    lines = ["text,label"]
    for number, (noise, poison) in enumerate(chance):
        up = number % 3 > 0
        text = f"{'good great' if up else 'bad poor'} {sentence(number)}"
        swapped = (noise < NOISE) != (poison < poisoned and text not in test)
        lines.append(f"{text},{'up' if up != swapped else 'down'}")
    Path("sources/mood.csv").write_text("\n".join(lines) + "\n")


def share_of_tests(share: float) -> None:
    """Let so large a part of mood's rows be test rows."""
    settings = yaml.safe_load(Path("params.yaml").read_text())
    settings["tasks"]["mood"]["splits"]["test"] = share
    Path("params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))


def train() -> None:
    encode_project(Path())
    run(params.load(), Path(), Terminal())
    for task in ("mood", "people"):
        baselines(Path("data", task), Path("baselines", task))


def judge() -> Verdict:
    """Compare the model that is here with the champion, and release it where the gate says so."""
    champion.main()
    evaluate.main()
    try:
        gate.main()
    except UserError:  # its way to say that this is no PROMOTE
        verdicts.record(Path())
        return Verdict.read(VERDICT)
    verdicts.record(Path())
    with atomic_folder(Path("bento")) as folder:
        (folder / "bento.yaml").write_text("synthetic\n")
        bundle.write(Path(), params.load().packaging, "code", folder / registry.BUNDLE)
    bentos.track(Path())
    release.main()
    return Verdict.read(VERDICT)


def served() -> str:
    found = registry.read().champion
    assert found is not None
    return found.version


def log_odds() -> tuple[np.ndarray, np.ndarray]:
    """Of the model that is here, on the test rows of mood: which are "down", and the log odds that they are."""
    split = EncodedSplit(Path("encoded/mood/test.arrow"))
    said = predict(saving.load(MODEL), "mood", split, range(len(split)))["mood"]
    odds = [np.log(one["probabilities"]["down"] / one["probabilities"]["up"]) for one in said]
    rows = labelled_rows(Path("data/mood"), "test", "mood")
    return np.array([row["label"] == "down" for row in rows]), np.array(odds)


def accuracy() -> float:
    down, odds = log_odds()
    return float(np.mean(down == (odds > 0)))


def worsen(weights: dict[str, torch.Tensor], goal: float) -> None:
    """Lean the model of these weights towards one label until its accuracy has fallen to the goal."""
    with_bias(weights, 0.0)
    down, odds = log_odds()
    leans = np.linspace(0.0, 20.0, 4001)
    with_bias(weights, float(next(lean for lean in leans if np.mean(down == (odds + lean > 0)) <= goal)))


def with_bias(weights: dict[str, torch.Tensor], added: float) -> None:
    (name,) = (one for one in weights if one.startswith("heads.") and "mood" in one and one.endswith("bias"))
    leaning = {name: weights[name] + torch.tensor([added, 0.0])}
    save_file({**weights, **leaning}, MODEL / "model.safetensors", {"format": "pt"})
    write_manifest(MODEL)


def test_three_months(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A first release is held to its floor and to the trivial baseline; it is its own anchor.
    write_mood(ROWS - 200)
    train()
    first = judge()
    assert (first.verdict, first.champion, served()) == ("PROMOTE", None, "v1.0.0")

    # New data: compared with the champion on the rows of today.
    write_mood()
    train()
    second = judge()
    assert (second.verdict, served()) == ("PROMOTE", "v1.0.1"), second.reasons()
    compared = second.tasks["mood"].champion
    assert compared is not None and compared.since is not None and compared.since.come > 0

    # Poisoned labels in one task: rejected, and named.
    write_mood(poisoned=0.7)
    train()
    third = judge()
    assert (third.verdict, served()) == ("REJECT", "v1.0.1")
    assert {name: task.gate for name, task in third.tasks.items()} == {"mood": "reject", "people": "pass"}

    # Too few test rows to tell: held, with how many more are wanted.
    write_mood()
    share_of_tests(0.03)
    train()
    fourth = judge()
    share_of_tests(0.4)
    assert (fourth.verdict, served()) == ("HOLD", "v1.0.1"), fourth.reasons()
    assert re.search(r"about \d+ more", fourth.tasks["mood"].why), fourth.reasons()

    # A slow decay: every model is within its margin of the one before, and the last too far from the anchor.
    write_mood()
    train()
    weights, falling = load_file(MODEL / "model.safetensors"), accuracy()
    released = []
    for number in range(1, 9):
        worsen(weights, falling - number * FALL)
        verdict = judge()
        released.append(verdict.verdict)
        if verdict.verdict != "PROMOTE":
            break
    assert released[0] == "PROMOTE"
    assert released[-1] in ("HOLD", "REJECT"), released
    assert "anchor" in verdict.tasks["mood"].why
    assert falling - accuracy() < 0.06

    # Back: the release before is served, and the next run is compared with it.
    before = served()
    change.roll_back(Path(), None, "it answers worse and worse")
    after = served()
    assert after != before
    champion.main()
    named = registry.named(sha256(MODEL / "model.safetensors")).champion
    assert named is not None and named.release == after

    # The first release once more, in a fresh clone: the same weights, bit for bit.
    record = registry.read().release("v1.0.0")
    clone = project.with_name("clone")
    bentos.git(project.parent, "clone", "-q", str(project), str(clone))
    bentos.git(clone, "checkout", "-q", record.commit)
    shutil.copytree("encoder", clone / "encoder")  # which git does not hold
    monkeypatch.chdir(clone)
    train()
    assert sha256(MODEL / "model.safetensors") == record.record.model


NEW = 200  # rows of a kind that the champion has never seen


def write_new_kind() -> None:
    """Beside mood's rows others, whose labels other words tell."""
    with Path("sources/mood.csv").open("a") as file:
        for number in range(NEW):
            up = number % 2 > 0
            words = "acme acme early" if up else "alice alice late"
            file.write(f"{words} {sentence(number)} {number},{'up' if up else 'down'}\n")


def begin() -> Beginning:
    """Encode, and settle what the training begins with; then plan and train it."""
    encode_project(Path())
    between = BetweenTasks(leaks={}, exclude={})
    Validation(success=True, errors=[], warnings=[], tasks={}, between_tasks=between).write(VALIDATION)
    start.main()
    plan.main()
    run(params.load(), Path(), Terminal())
    for task in ("mood", "people"):
        baselines(Path("data", task), Path("baselines", task))
    found = beginning.read(Path())
    assert found is not None
    return found


@pytest.mark.usefixtures("project")
def test_a_month_with_a_warm_start(capsys: pytest.CaptureFixture[str]) -> None:
    settings = yaml.safe_load(Path("params.yaml").read_text())
    Path("params.yaml").write_text(yaml.safe_dump({**settings, "start": {"champion": {}}}, sort_keys=False))

    # The first release begins from scratch, and being the champion changes nothing for its training.
    write_mood(600)
    assert begin().release is None
    assert judge().verdict == "PROMOTE"
    weights, whole = sha256(MODEL / "model.safetensors"), PlanRecord.read(PLAN)
    assert begin().release is None
    assert sha256(MODEL / "model.safetensors") == weights

    # Rows of a new kind: the task learns them in half the steps, and the other one holds.
    write_new_kind()
    found = begin()
    warm = PlanRecord.read(PLAN)
    assert (found.release, found.taken_over) == ("v1.0.0", {"mood": "mood", "people": "people"})
    assert warm.steps == round(whole.steps / 2)
    assert (warm.tasks["mood"].times > 1, warm.tasks["people"].new) == (True, 0)
    verdict = judge()
    assert verdict.verdict == "PROMOTE", verdict.reasons()
    mood, people = verdict.tasks["mood"].champion, verdict.tasks["people"].champion
    assert mood is not None and mood.interval[0] > 0
    assert people is not None and people.interval[0] > -0.2

    # Its release says what it has begun with, and the same bytes come again, also after a kill.
    released = registry.read().release("v1.0.1").record
    assert released.beginning == found
    weights = sha256(MODEL / "model.safetensors")
    assert begin() == found
    forget()
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop(warm.steps - 3))
    run(params.load(), Path(), Terminal())
    assert "going on from step" in capsys.readouterr().err
    assert sha256(MODEL / "model.safetensors") == weights == released.model

    # After a rollback the next training goes on from what is served.
    change.roll_back(Path(), None, "it was bad")
    write_mood(620)
    assert begin().release == "v1.0.0"
