"""How families are found, and that a new one needs no other file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components import tasks
from components.tasks.base import Facts, Layout, Prediction
from components.tasks.regression import Regression


def test_families_are_found_by_their_files() -> None:
    expected = {"classification", "multi_label", "multiple_choice", "ordinal", "regression", "tagging"}
    assert expected <= set(tasks.names())
    assert all(tasks.get(name).name == name for name in tasks.names())
    with pytest.raises(KeyError):
        tasks.get("ranking")


class Stars(Regression):
    """A toy family that lives in this test module: whole stars from 1 to 5."""

    name = "stars"

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        score = super().decode(logits, layout, facts)["score"]
        return {"score": float(np.clip(round(score), 1, 5))}


def test_a_family_registered_here_trains_and_predicts(
    tiny_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adding a family touches no other file: settings, ingest, encoding, training and evaluation take it."""
    from components import settings
    from components.data.encoded import EncodedSplit
    from components.model import multitask
    from components.model.inference import predict
    from components.training.run import run
    from components.watching.terminal import Terminal
    from tests.conftest import encode_project

    monkeypatch.setattr(tasks, "_registered", {})
    tasks.register(Stars())
    params = (tiny_project / "params.yaml").read_text().replace("family: regression", "family: stars")
    (tiny_project / "params.yaml").write_text(params.replace("tokens: 12000", "tokens: 1500"))
    encode_project(tiny_project)
    run(settings.load(), Path(), Terminal())
    model = multitask.load(Path("models/multitask"))
    split = EncodedSplit(Path("encoded/closeness/test.arrow"))
    predictions = predict(model, "closeness", split, range(len(split)))["closeness"]
    assert len(predictions) == len(split)
    assert {prediction["score"] for prediction in predictions} <= {1.0, 2.0, 3.0, 4.0, 5.0}
