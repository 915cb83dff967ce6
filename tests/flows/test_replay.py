"""`onetrunk replay`: a verdict again from its evidence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from components.evaluation import gate
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


OLD = {"verdict": "REJECT", "dropped": {"mood": "is gone"}}


@pytest.mark.parametrize(
    ("judged_by", "whose"),
    [
        (None, f"rules of the gate before version {gate.JUDGED_BY}, if nobody has edited it"),
        (gate.JUDGED_BY + 1, f"version {gate.JUDGED_BY + 1} of the gate's rules"),
    ],
)
def test_a_verdict_of_other_rules_is_told_from_one_that_somebody_has_edited(
    judged_by: int | None, whose: str, judged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in (EVALUATION, VERDICT):
        shutil.copy(judged / one, tmp_path)
    file = tmp_path / "verdict.json"
    made = read_json(file)
    assert made["judged_by"] == gate.JUDGED_BY

    write_json(file, {**made, "judged_by": judged_by})
    assert replay.run(file) == 0  # whoever has made it, it agrees

    write_json(file, {**made, **OLD, "judged_by": judged_by})
    assert replay.run(file) == 2
    said = capsys.readouterr().out
    assert f"it was made by {whose}, today's are version {gate.JUDGED_BY}" in said
    assert (
        "it was REJECT, and under today's it is PROMOTE:\n  verdict is REJECT, comes out as PROMOTE" in said
    )

    write_json(file, {**made, **OLD})
    assert replay.run(file) == 2
    assert "it does not agree:\n  verdict is REJECT" in capsys.readouterr().out


def test_other_rules_do_not_excuse_other_evidence(
    judged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in (EVALUATION, VERDICT):
        shutil.copy(judged / one, tmp_path)
    for name, change in (("verdict", {"judged_by": None}), ("evaluation", {"confidence": 0.9})):
        file = tmp_path / f"{name}.json"
        write_json(file, {**read_json(file), **change})
    assert replay.run(tmp_path / "verdict.json") == 2
    assert "it does not agree:\n  evaluation.json is not the evidence" in capsys.readouterr().out
