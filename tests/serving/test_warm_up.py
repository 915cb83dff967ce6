"""What a service has done when it says that it is ready."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest

from serving.predictor import Predictor
from serving.requests import Item
from tests.serving import tiny

HEAVY = {"seqeval", "sklearn", "scipy", "pandas"}  # seconds, and no service needs them
QUESTIONS = [Item(text="Ada was in Rome"), Item(text="Ada was in Rome", text_pair="so was Bob")]


def test_the_first_request_imports_nothing_heavy_and_no_new_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements are looked at too: another test may have imported a module before."""
    tiny.write_model(tmp_path / "model")
    predictor, asked, really = Predictor(tmp_path / "model"), set[str](), builtins.__import__
    predictor.warm_up()

    def noting(name: str, *given: Any, **more: Any) -> Any:
        asked.add(name.partition(".")[0])
        return really(name, *given, **more)

    before = set(sys.modules)
    monkeypatch.setattr(builtins, "__import__", noting)
    (one, pair) = predictor.predict(QUESTIONS)
    monkeypatch.undo()
    assert (set(one), set(pair)) == ({"sentiment", "ner"}, {"similarity"})
    assert not asked & HEAVY
    assert set(sys.modules) == before
