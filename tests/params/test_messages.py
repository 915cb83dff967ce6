"""What is said of a value or a key that the settings do not take: a sentence that leads on."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import UserError, near_miss
from components.params.checks import files
from components.params.reading import parse, parsed
from components.params.validate import typed
from components.settings.project import Project
from tests.conftest import PARAMS

FILE = Path("params.yaml")


def settings(old: str, new: str) -> Project:
    assert old in PARAMS
    return typed(parsed(PARAMS.replace(old, new, 1).encode(), FILE), FILE)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("floor: 0.0", "floor: 0,46", "a number is written with a point: 0.46"),
        ("confidence: 0.95", "confidence: 95", "found 95, input should be less than 1; for 95 % write 0.95"),
        ("  learning_rate: 1.0e-3", "  learning_rate: 5%", "found '5%', expected a number; write 0.05"),
        ("name: tiny", "name: My Desk", "expected a small letter, and then small letters, digits, - and _"),
        ("name: tiny", "name: tiny, max_body_bytes: 10MB", "expected a whole number; write 10000000"),
        (
            "    cleaning: {}",
            "    cleaning: {}\n    encoding: cp1252",
            "(it stands in tasks.NAME.source.encoding)",
        ),
        (
            "    cleaning: {}",
            "    cleaning:",
            "tasks.mood.cleaning: found nothing, expected keys with values",
        ),
        ("splits: {", "splits: {train: 0.6, ", "(training has the rows that validation and test leave)"),
        ("  tokens: 12000", "  epochs: 3", "(`training.budget: {method: epochs, epochs: N}` says it)"),
        (
            "seed: 7",
            "seed: 7\nrollout: {release: v1.2.0}",
            "in rollout.shadow.release or rollout.canary.release)",
        ),
        (
            "seed: 7",
            "seed: 7\nsearch: {parameters: {training.clip: {low: 1}}}",
            "(a search has a name: write search.",
        ),
    ],
)
def test_the_sentence_says_what_to_write(old: str, new: str, expected: str) -> None:
    with pytest.raises(UserError) as error:
        settings(old, new)
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("encoder: encoder", "encoder: bert-base-uncased", "`encoder: {huggingface: bert-base-uncased, revision: main}`"),
        ("encoder: encoder", "encoder: encodr", "no such file 'encodr' (did you mean 'encoder'?)"),
        ("path: sources/mood.csv", "path: s3://bucket/mood.csv", "found an address; expected a path here"),
    ],
)  # fmt: skip
def test_what_is_no_path_is_said_to_belong_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, expected: str
) -> None:
    for name in ("encoder", "sources/mood.csv", "sources/people.conll", "sources/closeness.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as error:
        files.check(FILE, settings(old, new))
    assert expected in str(error.value)


def test_a_switch_with_nothing_behind_it_is_neither_on_nor_off(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("seed: 7\nfeedback:\n")
    with pytest.raises(UserError, match="feedback: found nothing; write `feedback: {}` to switch it on"):
        parse(tmp_path / "params.yaml")


def test_the_one_name_that_begins_so_is_meant() -> None:
    metrics = ["accuracy", "macro_f1", "mcc"]
    assert near_miss("acc", metrics) == " (did you mean 'accuracy'?)"
    assert near_miss("m", metrics) == ""
    assert near_miss("accuracy", ["accuracy", "accurate"]) == " (did you mean 'accurate'?)"
