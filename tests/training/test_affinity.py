"""Affinities are what the papers say, and measuring them leaves no trace in the training."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from components import params
from components.data.batches.batching import Batch
from components.data.mixture import plan
from components.data.mixture.records import PlanRecord
from components.model.multitask import MultiTaskModel
from components.tracking.terminal import Terminal
from components.training import affinity
from components.training.affinity import Affinity
from components.training.run.fit import Fit
from components.training.step.backward import StepBackward
from components.training.step.stepper import Stepper
from tests.training.runs import Stop
from tests.training.steps import first_batch, stepper

HEADS = ["mood", "size", "people", "closeness"]


def engine(root: Path, **changes: Any) -> tuple[Stepper, Batch]:
    """The step engine of the tiny project, with dropout, and its first batch."""
    found = stepper(root, dropout=0.1, **changes)
    return found, first_batch(root, found)


def test_the_cosines_of_opposed_equal_and_orthogonal_gradients() -> None:
    gradients = np.array([[3.0, 4.0], [-6.0, -8.0], [0.3, 0.4], [-4.0, 3.0], [0.0, 0.0]])
    found = affinity.cosines(gradients @ gradients.T)
    assert found[0] == pytest.approx([1, -1, 1, 0, 0])  # a gradient that is zero has no direction


@pytest.mark.slow
def test_cosine_and_look_ahead_equal_those_of_a_copy_that_takes_the_step(encoded_project: Path) -> None:
    """Fifty et al. 2021, eq. 1, with nothing but autograd and a deep copy; dropout is on, and the step is
    cut into micro-batches. The steps are in bf16, which would drown these differences: they are measured
    in fp32."""
    taker, batch = engine(encoded_project, tokens_per_micro_batch=120, precision="bf16")
    exact = taker.training.model_copy(update={"precision": "fp32"})
    for group in taker.optimiser.param_groups:
        group["lr"] = 0.05
    measured = Affinity(every=1)
    measured.measure(taker, 0, batch)

    def losses(model: MultiTaskModel) -> dict[str, torch.Tensor]:
        backward = StepBackward(
            Stepper(model, taker.optimiser, taker.balancer, taker.splits, exact, 1), 0, batch
        )
        total = dict.fromkeys(backward.rows, torch.zeros(()))
        for micro in backward.micros():
            for head, mean in backward.means(micro).items():
                total[head] = total[head] + mean
        return total

    taker.model.train()
    before = losses(taker.model)
    shared = list(taker.model.encoder.parameters())
    gradients = {
        head: torch.autograd.grad(loss, shared, retain_graph=True, allow_unused=True)
        for head, loss in before.items()
    }
    for i in HEADS:
        moved = copy.deepcopy(taker.model)
        for parameter, gradient in zip(moved.encoder.parameters(), gradients[i], strict=True):
            if gradient is not None:
                parameter.data -= 0.05 * gradient
        after = losses(moved)
        for j in HEADS:
            expected = None if i == j else float((1 - after[j] / before[j]).detach())
            found = measured.look_aheads(HEADS)[HEADS.index(i)][HEADS.index(j)]
            assert found == (None if expected is None else pytest.approx(expected, abs=2e-5))
            flat = [torch.cat([g.flatten() for g in gradients[k] if g is not None]) for k in (i, j)]
            cosine = float(torch.nn.functional.cosine_similarity(*flat, dim=0))
            assert measured.cosines(HEADS)[HEADS.index(i)][HEADS.index(j)] == pytest.approx(cosine, abs=1e-4)
    assert max(abs(value) for row in measured.look_aheads(HEADS) for value in row if value) > 1e-3


def test_measuring_moves_no_weight_and_leaves_no_gradient(encoded_project: Path) -> None:
    taker, batch = engine(encoded_project)
    before = copy.deepcopy(taker.model.state_dict())
    Affinity(every=1).measure(taker, 0, batch)
    assert all(torch.equal(before[name], value) for name, value in taker.model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in taker.model.parameters())


@pytest.mark.slow
def test_means_run_over_the_measured_steps_alone(encoded_project: Path) -> None:
    taker, batch = engine(encoded_project)
    first, second, both = Affinity(every=3), Affinity(every=3), Affinity(every=3)
    first.measure(taker, 0, batch)
    second.measure(taker, 3, batch)  # other dropout, so other numbers
    for step in (0, 1, 2, 3, 4):
        both.measure(taker, step, batch)
    one, other, mean = (np.array(a.cosines(HEADS)) for a in (first, second, both))
    assert not np.array_equal(one, other)
    np.testing.assert_allclose(mean, (one + other) / 2, atol=1e-12)
    assert [times for times, _ in both.look_ahead.values()] == [2] * 12


def test_what_no_step_drew_together_is_not_known() -> None:
    nothing = Affinity(every=1)
    assert nothing.cosines(["a", "b"]) == [[1.0, None], [None, 1.0]]
    assert nothing.look_aheads(["a", "b"]) == [[None, None], [None, None]]


@pytest.mark.slow
def test_weights_are_the_same_with_and_without_and_a_resumed_run_measures_the_same(
    encoded_project: Path,
) -> None:
    text = (encoded_project / "params.yaml").read_text().replace("tokens: 12000", "tokens: 2400")
    text = text.replace("  window: 4", "  window: 4\n  balancing: {combination: pcgrad}")
    (encoded_project / "params.yaml").write_text(text)
    project = params.load()
    plan.plan(project, Path("encoded"), {}).write(Path("reports/plan.json"))
    fit = Fit(project, Path(), PlanRecord.read(Path("reports/plan.json")), 5)
    plain, _ = fit.train(Terminal())
    shutil.rmtree(fit.checkpoints)
    whole, resumed = Affinity(every=3), Affinity(every=3)
    fit.train(Terminal(), whole)
    shutil.rmtree(fit.checkpoints)
    with pytest.raises(KeyboardInterrupt):
        fit.train(Stop(7), Affinity(every=3))
    assert [kept.name for kept in fit.checkpoints.glob("step-*")] == ["step-000000005"]
    measured, _ = fit.train(Terminal(), resumed)
    assert all(torch.equal(value, measured.state_dict()[name]) for name, value in plain.state_dict().items())
    assert resumed.state() == whole.state()
    assert resumed.cosine["mood|people"][0] == 3
