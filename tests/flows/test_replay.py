"""`onetrunk replay`: a verdict again from its evidence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from components.evaluation.records import EVALUATION, VERDICT
from components.files import read_json, write_json
from flows import replay
from tests.serving import tiny


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_project(tmp_path_factory.mktemp("judged"))


def test_a_verdict_that_follows_from_its_evidence_agrees_wherever_the_two_files_lie(
    judged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (EVALUATION, VERDICT):
        shutil.copy(judged / file, tmp_path)
    assert replay.run(tmp_path / "verdict.json") == 0
    assert "PROMOTE of model" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "change", "named"),
    [
        ("verdict.json", {"verdict": "HOLD"}, "verdict is HOLD, comes out as PROMOTE"),
        ("verdict.json", {"confidence": 0.9}, "confidence is 0.9, comes out as 0.95"),
        ("verdict.json", {"evidence": None}, "names neither its evidence nor its settings"),
        ("evaluation.json", {"confidence": 0.9}, "evaluation.json is not the evidence that it names"),
    ],
)
def test_what_differs_is_named(
    file: str, change: dict, named: str, judged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in (EVALUATION, VERDICT):
        shutil.copy(judged / one, tmp_path)
    write_json(tmp_path / file, {**read_json(tmp_path / file), **change})
    assert replay.run(tmp_path / "verdict.json") == 2
    assert named in capsys.readouterr().out
