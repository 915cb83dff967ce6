"""How families are found, and that a new one needs no other file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components import families
from components.families.base import Facts, Layout, Prediction
from components.families.regression.family import Regression


def test_families_are_found_by_their_files() -> None:
    expected = {"classification", "multi_label", "multiple_choice", "ordinal", "regression", "tagging"}
    assert expected <= set(families.names())
    assert all(families.get(name).name == name for name in families.names())
    with pytest.raises(KeyError):
        families.get("ranking")


class Stars(Regression):
    """A toy family that lives in this test module: whole stars from 1 to 5."""

    name = "stars"

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        score = super().decode(logits, layout, facts)["score"]
        return {"score": float(np.clip(round(score), 1, 5))}


@pytest.mark.slow
def test_a_family_registered_here_trains_and_predicts(
    tiny_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adding a family touches no other file: settings, ingest, encoding, training and evaluation take it."""
    from components import params
    from components.data.encoding.split import EncodedSplit
    from components.model import saving
    from components.model.inference import predict
    from components.tracking.terminal import Terminal
    from components.training.run.fit import run
    from tests.conftest import encode_project

    monkeypatch.setattr(families, "_registered", {})
    families.register(Stars())
    settings_file = (tiny_project / "params.yaml").read_text().replace("family: regression", "family: stars")
    (tiny_project / "params.yaml").write_text(settings_file.replace("tokens: 12000", "tokens: 1500"))
    encode_project(tiny_project)
    run(params.load(), Path(), Terminal())
    model = saving.load(Path("models/multitask"))
    split = EncodedSplit(Path("encoded/closeness/test.arrow"))
    predictions = predict(model, "closeness", split, range(len(split)))["closeness"]
    assert len(predictions) == len(split)
    assert {prediction["score"] for prediction in predictions} <= {1.0, 2.0, 3.0, 4.0, 5.0}
