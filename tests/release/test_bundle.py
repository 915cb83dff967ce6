import subprocess
from pathlib import Path

import pytest

from components.data.contract import known_rows
from components.errors import UserError
from components.evaluation.records import EVALUATION
from components.files import read_json, sha256, verify_manifest, write_json
from components.release import bundle
from components.release.records import BundleCard
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


def test_an_evaluation_of_another_model_is_refused(tmp_path: Path) -> None:
    project = tiny.write_project(tmp_path / "project")
    evaluation = read_json(project / EVALUATION)
    write_json(project / EVALUATION, {**evaluation, "model": {"sha256": "0" * 64}})
    tiny.write_verdict(project, "PROMOTE")
    with pytest.raises(UserError, match="is of model 000000000000, but"):
        bundle.write(project, tiny.PACKAGING, "code", tmp_path / "bundle")


def test_an_altered_model_is_refused(tmp_path: Path) -> None:
    project = tiny.write_project(tmp_path / "project")
    weights = project / bundle.MODEL / bundle.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(UserError, match=r"model\.safetensors: SHA-256 differs"):
        bundle.write(project, tiny.PACKAGING, "code", tmp_path / "bundle")
