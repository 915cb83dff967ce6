"""A tiny random model in this process, which is asked a file of questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from flows.predicting import answering, file
from tests.flows.predicting.files import TEXTS, Ask, write_lines
from tests.serving import tiny


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batch") / "model"
    tiny.write_model(folder)
    return folder


@pytest.fixture
def ask(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Answer `source` into `target`; rows come in windows of eight, and are asked three at a time."""
    monkeypatch.setattr(answering, "WINDOW", (8, 10_000))
    monkeypatch.setattr(answering, "TOGETHER", (3, 10_000))
    monkeypatch.chdir(tmp_path)

    def call(source: str, target: str, tasks: Sequence[str] | None = None, **columns: str) -> tuple[int, int]:
        return file.run(tmp_path, bundle, source, target, tasks, columns)

    return call


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of each window that was answered, since somebody cleared it; the fourth interrupts the command."""
    answered: list[int] = []
    answer = answering.Answerer.answer

    def interrupted(self: answering.Answerer, window: Any) -> Any:
        if len(answered) == 3:
            raise KeyboardInterrupt
        answered.append(len(window))
        return answer(self, window)

    monkeypatch.setattr(answering.Answerer, "answer", interrupted)
    return answered


@pytest.fixture
def whole(ask: Ask) -> bytes:
    """The answers to in.jsonl, made at once."""
    write_lines("in.jsonl", [{"text": text} for text in TEXTS])
    ask("in.jsonl", "whole.jsonl")
    return Path("whole.jsonl").read_bytes()
