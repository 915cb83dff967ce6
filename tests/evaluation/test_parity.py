"""Two ways to compute a model are compared on the same rows. Synthetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.evaluation import parity
from components.evaluation.records import TaskVerdict
from components.families.regression.family import FAMILY

RMSE = next(one for one in FAMILY.metrics if one.name == "negative_rmse")
ROWS: list[dict[str, Any]] = [{"score": float(number), "groups": []} for number in range(30)]
ANSWERS = [{"score": row["score"] + 0.1} for row in ROWS]
BROKEN = [*ANSWERS[:-1], {"score": float("nan")}]
FACTS: dict[str, Any] = {"mean": 0.0, "options": {}}


def test_answers_that_are_no_numbers_are_an_error_of_who_gives_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which the stage `package` notes of a runtime; evidence that is no number it could not write."""
    monkeypatch.setattr(parity, "labelled_rows", lambda *_: ROWS)
    judged = TaskVerdict(metric=RMSE.name, floor=-9.0, margin=100.0, gate="pass", why="")
    card: Any = {"family": "regression", "facts": FACTS, "task": "mood", "max_length": 9, "inputs": ["text"]}
    assert parity.compare("mood", card, Path(), (ANSWERS, ANSWERS), judged, 0.95).passes
    with pytest.raises(ValueError, match="mood: negative_rmse of its answers is no number"):
        parity.compare("mood", card, Path(), (ANSWERS, BROKEN), judged, 0.95)
