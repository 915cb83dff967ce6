"""`onetrunk replay`: a verdict again from its evidence."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.errors import UserError
from components.evaluation import gate
from components.evaluation.records import EVALUATION, VERDICT, Finding
from components.files import read_json, sha256, write_json
from flows import replay
from tests import verdicts
from tests.evaluation import synthetic
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


def places_of(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the numbers and lists of a JSON value stand."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        if isinstance(one, int | float | list):
            yield (*place, key)
        yield from places_of(one, (*place, key))


def altered(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """A copy of a JSON value that has another one at a place."""
    result = inside = copy.deepcopy(value)
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = new
    return result


def write_judged(folder: Path) -> Any:
    """Evidence of two models that differ in few rows, by accuracy and on a part of the rows, and its verdict;
    the evidence."""
    other = verdicts.counted(3, 9, 200)
    part = Finding(
        gate="slices", what="language = de", rows=80, value=0.7, interval=[0.6, 0.8], limit=0.75,
        champion=verdicts.counted(2, 1, 80), margin=0.05,
    )  # fmt: skip
    evidence = synthetic.evidence(0.8, other, (part,))
    evidence.write(folder / EVALUATION.name)
    rules = verdicts.rules({"t": synthetic.task()})
    gate.verdict(evidence, rules, sha256(folder / EVALUATION.name)).write(folder / VERDICT.name)
    return read_json(folder / EVALUATION.name)


@pytest.mark.slow
def test_evidence_that_was_altered_is_named_whatever_stands_there_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list without its ends, no rows at all, a number that no measurement comes to: never a traceback."""
    made = write_judged(tmp_path)
    assert replay.run(tmp_path / VERDICT.name) == 0
    places = [*places_of(made)]
    assert ("tasks", "t", "metrics", "accuracy", "champion", "counted", "units") in places
    for place in places:
        values: list[Any] = [0, 0.25, -1e308, []]
        for other in (one for new in values if (one := altered(made, place, new)) != made):
            write_json(tmp_path / EVALUATION.name, other)
            try:
                assert replay.run(tmp_path / VERDICT.name) == 2, place
                said = capsys.readouterr().out
            except UserError as error:
                said = str(error)
            assert "evaluation.json" in said, place


@pytest.mark.parametrize(
    ("keys", "new", "sentence"),
    [
        (("interval",), [0.1], "tasks.t.metrics.accuracy.champion.interval: List should have at least 2"),
        (("counted", "units"), 10**400, "no verdict follows from it"),
    ],
    ids=["half an interval", "too many rows"],
)
def test_what_no_verdict_follows_from_is_one_sentence(
    keys: tuple[str, ...], new: Any, sentence: str, tmp_path: Path
) -> None:
    made = write_judged(tmp_path)
    place = ("tasks", "t", "metrics", "accuracy", "champion", *keys)
    write_json(tmp_path / EVALUATION.name, altered(made, place, new))
    with pytest.raises(UserError, match=f"evaluation.json: {sentence}.*was altered") as error:
        replay.run(tmp_path / VERDICT.name)
    assert "\n" not in str(error.value)
