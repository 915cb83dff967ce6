"""A verdict holds against the champion that it was made against, and DVC knows that."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file, save_file

from components import params
from components.errors import UserError
from components.evaluation.baselines import baselines
from components.evaluation.records import (
    CHAMPION,
    EVALUATION,
    VERDICT,
    ChampionEvidence,
    ChampionReport,
    Evaluation,
    ModelId,
)
from components.files import atomic_folder, read_json, write_json, write_manifest
from components.monitoring import retraining
from components.monitoring.known import measured
from components.release import bundle, moves, registry
from components.release.records import BundleCard
from components.settings.retrain import Retrain
from components.stages import champion, evaluate, gate, release
from components.tracking.terminal import Terminal
from components.training.run.fit import run
from flows.releases import table
from tests import verdicts
from tests.conftest import build_project, encode_project
from tests.flows import toy
from tests.release import bentos

pytestmark = pytest.mark.slow  # git and DVC run

ROOT = Path(__file__).parents[2]
STAGES = ("champion", "evaluate", "gate", "release")  # as dvc.yaml has them, but for the code they run

TRAIN = """
import pathlib, shutil
from components.files import atomic_folder
with atomic_folder(pathlib.Path("models/multitask")) as folder:
    shutil.copytree("trained/" + pathlib.Path("setting.txt").read_text(), folder, dirs_exist_ok=True)
"""
PACKAGE = """
import pathlib
from components.files import write_json
from tests.release.bentos import write_bento
setting = pathlib.Path("setting.txt").read_text()
write_bento(pathlib.Path("bento"), setting, pathlib.Path("models/multitask"))
write_json(pathlib.Path("reports/answers.json"), {"schema_version": 1, "tasks": {}})
"""


def stages() -> dict[str, Any]:
    """Training and packaging are stood in for; what lies between and after them is the project's own."""
    own = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    found = {name: own[name] for name in STAGES}
    for stage in found.values():
        stage["deps"] = [path for path in stage["deps"] if not path.startswith("program")]
    setting = ["setting.txt"]
    train = {"cmd": "python train.py", "deps": setting, "outs": ["models/multitask"]}
    package = {
        "cmd": "python package.py",
        "deps": [*setting, "models/multitask", "reports/verdict.json"],
        "outs": ["bento", "reports/answers.json"],
    }
    return {"stages": {"train": train, **found, "package": package}}


@pytest.fixture
def project(tiny_project: Path) -> Path:
    """A project of one task whose settings `a` and `b` end in models that differ in the last bit."""
    settings = yaml.safe_load(Path("params.yaml").read_text())
    settings["tasks"] = {"mood": {k: v for k, v in settings["tasks"]["mood"].items() if k != "joint"}}
    settings |= {"remotes": {}}
    settings["training"]["tokens"] = 3000
    Path("params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    encode_project(tiny_project)
    run(params.load(), Path(), Terminal())
    baselines(Path("data/mood"), Path("baselines/mood"))
    for name, scale in (("a", 1.0), ("b", 1.0001)):
        shutil.copytree("models/multitask", f"trained/{name}")
        weights = Path(f"trained/{name}/model.safetensors")
        save_file({k: v * scale for k, v in load_file(weights).items()}, weights, {"format": "pt"})
    shutil.rmtree("models")
    Path("train.py").write_text(TRAIN)
    Path("package.py").write_text(PACKAGE)
    Path("dvc.yaml").write_text(yaml.safe_dump(stages(), sort_keys=False))
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, check=True, env=toy.environment())
    return tiny_project


def repro(setting: str, python: str) -> set[str]:
    """Bring the project with this setting up to date by the `python` in this folder; the stages that ran."""
    Path("setting.txt").write_text(setting)
    command = [f"{python}/python", "-m", "dvc", "repro"]
    environment = toy.environment()
    environment["PATH"] = f"{python}:{environment['PATH']}"
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return {line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")}


def against() -> str | None:
    """The release that the verdict was made against; evaluation and verdict agree about that."""
    verdict, evaluation = (read_json(Path(f"reports/{name}.json")) for name in ("verdict", "evaluation"))
    assert verdict["champion"] == evaluation["champion"]
    found = verdict["champion"]
    if found is None:
        return None
    release = registry.read().release(found["release"])
    assert (found["manifest"], found["model"]) == (release.record.manifest, release.record.model)
    return release.record.bundle


def served() -> str:
    found = registry.read().champion
    assert found is not None
    return found.record.bundle


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("project")
def test_back_to_earlier_settings_is_judged_against_the_champion_of_today(forking_python: str) -> None:
    """A released, B released, back to A: the run cache has a verdict on A, but against nobody."""
    assert "evaluate" in repro("a", forking_python)
    assert (against(), served()) == (None, "a")
    repro("b", forking_python)
    assert (against(), served()) == ("a", "b")
    second = registry.read().champion
    assert second and second.record.anchors == {"mood": "v1.0.0"}  # it is no better
    ran = repro("a", forking_python)
    assert ran >= {"evaluate", "gate"}
    assert "train" not in ran  # which the run cache may bring back
    assert (against(), served()) == ("b", "a")
    assert "release" in repro("b", forking_python)  # against A, as before, but against another release of it
    assert (against(), served()) == ("a", "b")
    assert list(registry.read().versions) == ["v1.0.0", "v1.0.1", "v1.0.2", "v1.0.3"]

    lock = Path("dvc.lock").read_bytes()
    assert repro("b", forking_python) == {"champion"}
    assert Path("dvc.lock").read_bytes() == lock
    done = toy.onetrunk(Path(), "run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 stages, all skipped" in done.stdout
    assert Path("dvc.lock").read_bytes() == lock
    assert "all 6 up to date" in toy.onetrunk(Path(), "status").stdout


@pytest.fixture
def released(released_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it; the test runs inside."""
    shutil.copytree(released_once, tmp_path, dirs_exist_ok=True, symlinks=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def released_once(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """A promoted candidate `c` whose verdict was made against release v1.0.1, of bundle `b`, as files
    (synthetic)."""
    root = tmp_path_factory.mktemp("released")
    with contextlib.chdir(root):
        release_two_and_promote(root, tiny_encoder)
    return root


def release_two_and_promote(root: Path, encoder: Path) -> None:
    """In this folder, where it runs."""
    bentos.repository(root)
    for version in ("a", "b"):
        bentos.release(Path(), version)
    bentos.write_bento(Path("bento"), "c", "c")
    with atomic_folder(Path("models/multitask")) as folder:
        shutil.copy("bento" / registry.WEIGHTS, folder)
    Path("dvc.yaml").unlink()  # which would ask params.yaml for more
    build_project(root, encoder)
    champion.main()
    named = ChampionReport.read(Path("reports/champion.json")).champion
    assert named is not None
    gates = params.load().gates()
    against = ChampionEvidence(**named.model_dump(), heads=[], not_compared={})
    model = BundleCard.read(Path("bento") / registry.CARD).model
    tasks = {head: verdicts.head(gate.metric, verdicts.measured()) for head, gate in gates.items()}
    Evaluation(model=ModelId(sha256=model.sha256), champion=against, confidence=0.95, tasks=tasks).write(
        EVALUATION
    )
    assert verdicts.pass_on(root).verdict == "PROMOTE"
    bentos.track(Path())


@pytest.mark.usefixtures("released")
def test_a_rollback_under_way_ends_every_stage_that_relied_on_the_old_champion() -> None:
    moves.promote("v1.0.0", "it was bad", action="rollback")
    sentence = r"made against release v1\.0\.1 \(.*\), but the one to compare with is now release v1\.0\.0 \("
    for stage, file in ((evaluate, "champion"), (gate, "evaluation"), (release, "verdict")):
        with pytest.raises(UserError, match=rf"^reports/{file}\.json: {sentence}"):
            stage.main()
    assert served() == "a"


@pytest.mark.usefixtures("released")
def test_the_stage_says_that_the_candidate_was_rolled_back() -> None:
    moves.promote("v1.0.0", "it was bad", action="rollback")
    assert ChampionReport.read(CHAMPION).rolled_back is None
    for model, version in (("b", "v1.0.1"), ("c", None)):
        with atomic_folder(Path("models/multitask")) as folder:
            (folder / "model.safetensors").write_text(model)
        champion.main()
        assert ChampionReport.read(CHAMPION).rolled_back == version


@pytest.mark.usefixtures("released")
def test_a_verdict_on_another_model_releases_nothing() -> None:
    evaluation = read_json(EVALUATION)
    write_json(EVALUATION, {**evaluation, "model": {"sha256": "0" * 64}})
    verdicts.pass_on(Path())
    with pytest.raises(UserError, match=r"verdict\.json: is of model 000000000000, but this one is"):
        release.main()
    assert served() == "b"


@pytest.mark.usefixtures("released")
def test_a_champion_whose_bytes_are_nowhere_ends_the_run_and_is_never_no_champion() -> None:
    shutil.rmtree(".onetrunk")
    shutil.rmtree(".dvc/cache")
    with pytest.raises(UserError, match=r"^release v1\.0\.1 \(bundle b\): neither DVC's cache nor"):
        evaluate.main()


@pytest.mark.usefixtures("released")
def test_a_release_remembers_what_its_heads_are_anchored_to() -> None:
    release.main()
    newest = registry.read().champion
    assert newest is not None
    assert newest.record.anchors == dict.fromkeys(("mood", "size", "people", "closeness"), "v1.0.2")
    champion.main()
    report = ChampionReport.read(Path("reports/champion.json"))
    assert report.champion and report.champion.release == "v1.0.1"  # of another model
    assert {head: one.release for head, one in report.anchors.items()} == {"mood": "v1.0.0"}
    weights = Path("models/multitask/model.safetensors")
    weights.write_text("d")
    write_manifest(weights.parent)
    champion.main()
    report = ChampionReport.read(Path("reports/champion.json"))
    assert {head: one.release for head, one in report.anchors.items()} == newest.record.anchors


@pytest.mark.usefixtures("released")
def test_a_release_says_what_asked_for_it_and_keeps_what_was_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    began = datetime.now(UTC) - timedelta(days=9)
    for days, why in ((-1, "the alarm of 2026-11-04"), (8, "what was asked after the run began")):
        retraining.ask(Path(), Retrain(), why, "v1.0.1", {}, began + timedelta(days=days))
    monkeypatch.setenv(retraining.BEGAN, began.isoformat())
    release.main()
    newest = registry.read().champion
    assert newest is not None
    assert newest.record.because == "the alarm of 2026-11-04"
    message = bentos.git(Path(), "log", "-1", "--format=%B", newest.commit)
    assert "Asked for by the alarm of 2026-11-04" in message
    assert set(measured(Path(), newest.version)) == set(Evaluation.read(EVALUATION).tasks)
    assert measured(Path(), "v9.0.0") == {}
    monkeypatch.setenv("COLUMNS", "300")
    table.show(Path(), None, False)
    assert "asked for by the alarm of 2026-11-04" in capsys.readouterr().out


def edited(**changes: Any) -> None:
    """Somebody writes this into the verdict."""
    write_json(VERDICT, {**read_json(VERDICT), **changes})


def forged_evidence() -> None:
    """Somebody makes the evidence better, and the verdict anew."""
    gates = params.load().gates()
    evaluation = Evaluation.read(EVALUATION)
    tasks = {head: verdicts.head(gate.metric, verdicts.measured(0.99)) for head, gate in gates.items()}
    evaluation.model_copy(update={"tasks": tasks}).write(EVALUATION)
    recorded = Path("dvc.lock").read_bytes()
    verdicts.pass_on(Path())
    Path("dvc.lock").write_bytes(recorded)


def lower_floor() -> None:
    """Somebody passes a verdict by settings that nobody committed, and takes them back."""
    own = Path("params.yaml").read_text()
    Path("params.yaml").write_text(own.replace("margin: 0.5", "margin: 0.9"))
    verdicts.pass_on(Path())
    Path("params.yaml").write_text(own)


@pytest.mark.parametrize(
    ("attack", "sentence"),
    [
        (VERDICT.unlink, r"verdict\.json: no such file"),
        (lambda: edited(evidence="0" * 64), r"evaluation\.json is not the evidence that it names"),
        (lambda: edited(evidence=None), r"names neither its evidence nor its settings"),
        (lambda: edited(anchors={}), r"anchors\.mood is nothing, comes out as None"),
        (lambda: edited(dropped={"x": "y"}), r"does not follow from its evidence \(dropped\.x is y, comes out as nothing"),
        (lambda: VERDICT.write_text(VERDICT.read_text() + "\n"), r"verdict\.json: not the file that stage gate has made"),
        (forged_evidence, r"evaluation\.json: not the file that stage evaluate has made"),
        (lower_floor, r"made by other settings than those of params\.yaml \(gates\.mood\.margin is 0\.9, comes out as 0\.5"),
        (lambda: Path("dvc.lock").unlink(), r"dvc\.lock: no such file; nobody knows what the pipeline has made"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("released")
def test_an_edited_or_an_old_verdict_is_never_released(attack: Callable[[], None], sentence: str) -> None:
    attack()
    for stage in (
        release.main,
        lambda: bundle.write(Path(), params.load().packaging, "code", Path("bundle")),
    ):
        with pytest.raises(UserError, match=sentence):
            stage()
    assert served() == "b"
    assert not Path("bundle").exists()


def test_a_report_of_another_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "champion.json"
    write_json(file, {"champion": None})
    with pytest.raises(UserError, match=r"champion\.json: schema_version: found none, expected 1"):
        ChampionReport.read(file)
