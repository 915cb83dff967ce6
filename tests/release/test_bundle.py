import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from components.data.contract import known_rows
from components.errors import UserError
from components.evaluation.records import EVALUATION, VERDICT
from components.files import read_json, sha256, verify_manifest, write_json
from components.release import bundle
from components.release.records import BundleCard
from tests import verdicts
from tests.serving import tiny


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_project(tmp_path_factory.mktemp("project"))


def test_the_card_leads_back_to_model_and_data(project: Path, tmp_path: Path) -> None:
    card = bundle.write(project, tiny.PACKAGING, "code", tmp_path / "bundle")
    assert card == BundleCard.read(tmp_path / "bundle/card.json")
    assert card.model.sha256 == sha256(tmp_path / "bundle/model.safetensors")
    assert card.data["ner"]["test"] == sha256(project / "data/ner/test.parquet")
    limits = {"max_texts": 8, "max_characters": 2000, "max_body_bytes": 50_000, "max_wait_seconds": 5.0}
    limits["max_requests_per_client"] = 100
    assert card.limits.model_dump() == limits
    assert card.tasks["ner"].metrics["entity_f1"].trivial == 0.5
    beside = {known_rows.FILE, "card.json", "README.md", "sbom.cdx.json", "verdict.json"}
    assert set(verify_manifest(tmp_path / "bundle")["files"]) == {*bundle.FILES, *beside}
    assert card.evidence == {"verdict.json": sha256(project / "reports/verdict.json")}


def test_the_version_follows_from_all_that_is_packed(project: Path, tmp_path: Path) -> None:
    versions = [
        bundle.write(project, packaging, code, tmp_path / str(number)).version
        for number, (packaging, code) in enumerate(
            [
                (tiny.PACKAGING, "code"),
                (tiny.PACKAGING, "code"),
                (tiny.PACKAGING, "other code"),
                (tiny.PACKAGING.model_copy(update={"max_texts": 3}), "code"),
            ]
        )
    ]
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3


def test_the_card_names_the_commit_or_says_that_there_is_none(project: Path, tmp_path: Path) -> None:
    assert bundle.write(project, tiny.PACKAGING, "code", tmp_path / "a").commit is None
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *command], cwd=project, check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True
    )
    assert bundle.write(project, tiny.PACKAGING, "code", tmp_path / "b").commit == head.stdout.strip()


def test_a_verdict_other_than_promote_says_why(project: Path, tmp_path: Path) -> None:
    tiny.write_verdict(tmp_path, "HOLD")
    with pytest.raises(
        UserError, match=r"verdict is HOLD, expected PROMOTE; nothing is released \(sentiment: sent"
    ):
        bundle.promoted(tmp_path)


def test_no_verdict_is_no_promotion(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"verdict\.json: no such file"):
        bundle.promoted(tmp_path)


def edit(file: Path, **changes: object) -> None:
    write_json(file, {**read_json(file), **changes})


def edit_settings(project: Path, key: str, value: float) -> None:
    file = project / "params.yaml"
    text, found = re.subn(rf"\b{key}: [\d.]+", f"{key}: {value}", file.read_text())
    assert found
    file.write_text(text)


def ask_further(project: Path) -> None:
    settings = yaml.safe_load((project / "params.yaml").read_text())
    settings["evaluation"]["gates"] = {"calibration": {"limit": 0.1}}
    (project / "params.yaml").write_text(yaml.safe_dump(settings))


def edit_both(project: Path) -> None:
    """Evidence and verdict, so that they agree; dvc.lock is as the pipeline left it."""
    recorded = (project / "dvc.lock").read_bytes()
    evidence = read_json(project / EVALUATION)
    evidence["tasks"]["ner"]["metrics"]["entity_f1"]["value"] += 0.05
    write_json(project / EVALUATION, evidence)
    verdicts.pass_on(project)
    (project / "dvc.lock").write_bytes(recorded)


def forget_the_gate(project: Path) -> None:
    lock = yaml.safe_load((project / "dvc.lock").read_text())
    del lock["stages"]["gate"]
    (project / "dvc.lock").write_text(yaml.safe_dump(lock))


ATTACKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a verdict that was edited": (
        lambda project: edit(project / VERDICT, of_model=["fine"]),
        r"verdict\.json: does not follow from its evidence \(of_model is \['fine'\], comes out as \[\]\)",
    ),
    "evidence that was edited": (
        lambda project: edit(project / EVALUATION, confidence=0.9),
        r"evaluation\.json is not the evidence that it names",
    ),
    "a floor that was put back": (
        lambda project: edit_settings(project, "floor", 0.2),
        r"made by other settings than those of params\.yaml \(gates\.ner\.floor is 0",
    ),
    "a confidence that was put back": (
        lambda project: edit_settings(project, "confidence", 0.99),
        r"made by other settings than those of params\.yaml \(confidence\)",
    ),
    "a further gate that nobody asked": (
        ask_further,
        r"made by other settings than those of params\.yaml \(further\.calibration\.limit is nothing, comes out as 0\.1",
    ),
    "evidence and verdict that agree": (edit_both, r"evaluation\.json: not the file that stage evaluate has"),
    "no dvc.lock": (lambda project: (project / "dvc.lock").unlink(), r"dvc\.lock: no such file"),
}
OF_THE_GATE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a verdict of other bytes": (
        lambda project: (project / VERDICT).write_text((project / VERDICT).read_text() + "\n"),
        r"verdict\.json: not the file that stage gate has made",
    ),
    "a verdict that nothing has recorded": (forget_the_gate, r"verdict\.json: not the file that stage gate"),
}


@pytest.mark.parametrize(("attack", "sentence"), [*ATTACKS.values(), *OF_THE_GATE.values()], ids=[*ATTACKS, *OF_THE_GATE])  # fmt: skip
def test_no_verdict_lets_a_model_out_but_the_pipelines_own_of_today(
    project: Path, tmp_path: Path, attack: Callable[[Path], object], sentence: str
) -> None:
    attacked = shutil.copytree(project, tmp_path / "project")
    assert bundle.promoted(attacked).verdict == "PROMOTE"
    attack(attacked)
    with pytest.raises(UserError, match=sentence):
        bundle.promoted(attacked)


def held_back(project: Path, folder: Path) -> Path:
    """The project, where the gate does not let its model out."""
    held = shutil.copytree(project, folder / "project")
    edit_settings(held, "floor", 0.99)
    verdicts.pass_on(held)
    forget_the_gate(held)  # a stage that ends a run is not recorded
    return held


def test_what_was_overruled_and_why_stands_in_the_card(project: Path, tmp_path: Path) -> None:
    held = held_back(project, tmp_path)
    known = {**verdicts.CHAMPION.model_dump(), "heads": [], "not_compared": {}}
    edit(held / EVALUATION, champion=known)
    verdicts.pass_on(held)
    card = bundle.write(held, tiny.PACKAGING, "code", tmp_path / "bundle", forced="Ada says so")
    assert (card.verdict, card.forced, card.tasks["ner"].gate) == ("REJECT", "Ada says so", "reject")
    assert card.champion == verdicts.CHAMPION
    with pytest.raises(UserError, match="the verdict is REJECT, expected PROMOTE"):
        bundle.write(held, tiny.PACKAGING, "code", tmp_path / "another")


@pytest.mark.parametrize(("attack", "sentence"), ATTACKS.values(), ids=ATTACKS)
def test_nor_is_another_overruled(
    project: Path, tmp_path: Path, attack: Callable[[Path], object], sentence: str
) -> None:
    held = held_back(project, tmp_path)
    assert bundle.held_back(held).verdict == "REJECT"
    attack(held)
    with pytest.raises(UserError, match=sentence):
        bundle.held_back(held)


def test_what_the_gate_lets_out_is_not_overruled(project: Path) -> None:
    with pytest.raises(UserError, match="the gate said PROMOTE, so there is nothing to force"):
        bundle.held_back(project)


def test_an_evaluation_of_another_model_is_refused(tmp_path: Path) -> None:
    project = tiny.write_project(tmp_path / "project")
    evaluation = read_json(project / EVALUATION)
    write_json(project / EVALUATION, {**evaluation, "model": {"sha256": "0" * 64}})
    tiny.write_verdict(project, "PROMOTE")
    with pytest.raises(UserError, match=r"verdict\.json: is of model 000000000000, but this"):
        bundle.write(project, tiny.PACKAGING, "code", tmp_path / "bundle")


def test_metrics_of_other_test_rows_than_those_that_are_here_are_not_packed(tmp_path: Path) -> None:
    """The card names the rows of today beside what was measured, and so does a release by force."""
    project = tiny.write_project(tmp_path / "project")
    evaluation = read_json(project / EVALUATION)
    file = project / "data/ner/test.parquet"
    evaluation["tasks"]["ner"]["test_set"] = sha256(file)
    write_json(project / EVALUATION, evaluation)
    tiny.write_verdict(project, "PROMOTE")
    bundle.write(project, tiny.PACKAGING, "code", tmp_path / "measured")
    file.write_bytes((project / "data/ner/train.parquet").read_bytes())
    with pytest.raises(
        UserError, match=r"'ner' was measured on other test rows \(\w{12}\) than data/ner/test\.parquet has"
    ):
        bundle.write(project, tiny.PACKAGING, "code", tmp_path / "bundle")


def test_an_altered_model_is_refused(tmp_path: Path) -> None:
    project = tiny.write_project(tmp_path / "project")
    weights = project / bundle.MODEL / bundle.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(UserError, match=r"model\.safetensors: SHA-256 differs"):
        bundle.write(project, tiny.PACKAGING, "code", tmp_path / "bundle")
