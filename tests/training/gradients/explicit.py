"""The oracle of a combined step: every task's gradient by a backward pass of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from components.settings.training import Balancing
from components.training.step.backward import StepBackward
from components.training.step.stepper import Stepper
from tests.training.steps import first_batch, stepper


def engine(root: Path, budget: int = 100_000, **chosen: object) -> Stepper:
    balancing = Balancing.model_validate(chosen)
    found = stepper(root, balancing=balancing, tokens_per_micro_batch=budget, clip=1e9)
    found.model.train()
    return found


def by_autograd(which: Stepper, root: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The oracle: head -> parameter -> gradient of its loss, a whole backward pass for each."""
    backward = StepBackward(which, 0, first_batch(root, which))
    return {
        head: {n: p.grad.double() for n, p in which.model.named_parameters() if p.grad is not None}
        for head in each_alone(which, backward)
    }


def each_alone(which: Stepper, backward: StepBackward) -> Iterator[str]:
    """The heads, one by one: while one is looked at, the model has the gradient of its loss alone."""
    for head in backward.rows:
        which.model.zero_grad()
        for micro in backward.micros():
            means = backward.means(micro)
            if head in means:
                means[head].backward()
        yield head
    which.model.zero_grad()


def jacobian(gradients: dict[str, dict[str, torch.Tensor]], prefix: str) -> np.ndarray:
    names = sorted(name for name in next(iter(gradients.values())) if name.startswith(prefix))
    rows = [torch.cat([of_head[name].flatten() for name in names]) for of_head in gradients.values()]
    return torch.stack(rows).numpy()


def check_a_step(
    which: Stepper,
    root: Path,
    gradients: dict[str, dict[str, torch.Tensor]],
    own: float,
    factors_K: np.ndarray,
) -> None:
    """The encoder's gradient is the sum of the tasks', each by its weight and its factor; a head's has none."""
    assert not np.allclose(factors_K, 1), "these tasks do not conflict: the test shows nothing"
    which.take(0, first_batch(root, which))
    taken = {key: p.grad.double() for key, p in which.model.named_parameters() if p.grad is not None}
    expected_P = factors_K @ (own * jacobian(gradients, "encoder."))
    (found_P,) = jacobian({"step": taken}, "encoder.")
    assert np.linalg.norm(found_P - expected_P) <= 1e-3 * np.linalg.norm(expected_P)
    for head, of_head in gradients.items():
        for parameter in (key for key in of_head if key.startswith(f"heads.task:{head}.")):
            torch.testing.assert_close(taken[parameter], own * of_head[parameter], rtol=1e-3, atol=1e-6)
