"""A project whose callers gave right answers, and what its traffic has recorded."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from components.data.contract.cards import TASK_CARD, TaskCard, TaskHead
from tests.flows.feedback.waiting import settings
from tests.serving import tiny


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the tasks of the tiny model, one of which has data."""
    tiny.write_params(tmp_path)
    (tmp_path / ".dvc").mkdir()
    shutil.copy(Path(__file__).parents[3] / "dvc.yaml", tmp_path)
    settings(tmp_path, feedback={})
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    facts = tiny.CARDS["sentiment"]["facts"]
    head = TaskHead(family="classification", facts=facts, rows={})
    card = TaskCard(task="sentiment", max_length=24, inputs=["text"], rows={}, heads={"sentiment": head})
    card.write(tmp_path / "data/sentiment" / TASK_CARD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz")]
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tiny.write_tokenizer(file, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters])
    return file
