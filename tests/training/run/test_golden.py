"""A fixed seed and configuration gives the same loss curve: golden_losses.json.

It takes packed sequences, a joint head, learned weights and combined gradients, without dropout, whose draws
depend on the processor. Where a change is meant to move the losses, write them anew and look at the diff:

    WRITE_GOLDEN=1 pytest tests/training/run/test_golden.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from components.settings.training import Balancing
from tests.training.steps import setup_step, stepper

GOLDEN = Path(__file__).with_name("golden_losses.json")
STEPS = 12


def losses(root: Path) -> dict[str, list[float | None]]:
    from components.data.batches.batching import step_rows
    from components.training.schedule import set_learning_rate

    way = Balancing.model_validate({"weights": "uncertainty", "combination": "pcgrad"})
    engine = stepper(root, balancing=way, tokens_per_micro_batch=150, precision="fp32")
    assert engine.model.packs
    plan = setup_step(root)[1]
    curves: dict[str, list[float | None]] = {head: [] for head in engine.model.heads}
    for step in range(STEPS):
        set_learning_rate(engine.optimiser, step, STEPS, engine.training)
        batch = step_rows(plan, 1, step, {name: split.lengths for name, split in engine.splits.items()})
        found, _ = engine.take(step, batch)
        for head, curve in curves.items():
            curve.append(found.get(head))
    return curves


def test_the_loss_curve_is_the_one_that_is_kept(encoded_project: Path) -> None:
    found = losses(encoded_project)
    if "WRITE_GOLDEN" in os.environ:
        rounded = {h: [c if c is None else float(f"{c:.7g}") for c in curve] for h, curve in found.items()}
        GOLDEN.write_text(json.dumps(rounded, indent=1) + "\n")
        pytest.skip(f"{GOLDEN.name} is written anew")
    golden = json.loads(GOLDEN.read_text())
    assert found.keys() == golden.keys()
    assert golden["people"][-1] < 0.8 * golden["people"][0]  # it learns: the curve says something
    for head, curve in golden.items():
        assert np.array(found[head], dtype=float) == pytest.approx(
            np.array(curve, dtype=float), rel=1e-4, nan_ok=True
        )
