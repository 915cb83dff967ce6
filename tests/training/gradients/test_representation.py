"""The Gramian of the gradients on the shared representation, against explicit ones."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from components.training import balancing
from components.training.regularisation import Regulariser
from components.training.regularisation.r_drop import RDrop
from components.training.step.backward import StepBackward
from components.training.step.stepper import Stepper
from tests.training.gradients.explicit import by_autograd, check_a_step, engine
from tests.training.steps import first_batch

CHOSEN = {"method": "pcgrad", "gramian": "representation"}


def on_leaves(which: Stepper, root: Path) -> np.ndarray:
    """The oracle, gradient_KX: the encoder's states are cut off, made leaves, and each head's loss goes
    backward to them by itself."""
    leaves: list[torch.Tensor] = []

    def cut(encoder: torch.nn.Module, inputs: object, output: SimpleNamespace) -> SimpleNamespace:
        leaves.append(output.last_hidden_state.detach().requires_grad_())
        return SimpleNamespace(last_hidden_state=leaves[-1])

    hook = which.model.encoder.register_forward_hook(cut)
    backward, rows = StepBackward(which, 0, first_batch(root, which)), []
    for head in backward.rows:
        leaves.clear()
        for micro in backward.micros():
            means = backward.means(micro)
            if head in means:
                means[head].backward()
        rows.append(
            torch.cat([torch.zeros(x.numel()) if x.grad is None else x.grad.flatten() for x in leaves])
        )
    hook.remove()
    which.model.zero_grad()
    return torch.stack(rows).double().numpy()


@pytest.mark.slow_after(1)
@pytest.mark.parametrize("budget", [100_000, 90])
@pytest.mark.parametrize("regularisers", [[], [RDrop()]], ids=["one pass", "two passes"])
def test_factors_of_the_representation_weigh_the_encoder_and_not_the_heads(
    encoded_project: Path, budget: int, regularisers: list[Regulariser]
) -> None:
    which = engine(encoded_project, budget, weights="equal", combination=CHOSEN)
    which.regularisers = regularisers
    gradients, states_KX = by_autograd(which, encoded_project), on_leaves(which, encoded_project)
    own = 1 / len(gradients)
    gramian_KK = own**2 * states_KX @ states_KX.T
    factors_K = balancing.combination("pcgrad")().factors(gramian_KK, which.seed, 0)
    check_a_step(which, encoded_project, gradients, own, factors_K)


def test_gradnorm_and_the_representation_are_seen_in_one_look(encoded_project: Path) -> None:
    learned = []
    for combination in ("sum", CHOSEN):
        which = engine(encoded_project, weights="gradnorm", combination=combination)
        which.take(0, first_batch(encoded_project, which))
        learned.append(which.balancer.state())
    assert learned[0] == learned[1]


def test_an_exact_gramian_is_used_where_a_weighting_has_it_made(encoded_project: Path) -> None:
    steps = []
    for gramian in ("exact", "representation", "last_layer"):
        combination = {"method": "mgda", "gramian": gramian}
        which = engine(encoded_project, weights="gradient_normalisation", combination=combination)
        steps.append(which.take(0, first_batch(encoded_project, which)))
    assert steps[0] == steps[1] == steps[2]


def test_nothing_watches_the_encoder_afterwards(encoded_project: Path) -> None:
    which = engine(encoded_project, weights="equal", combination=CHOSEN)
    which.take(0, first_batch(encoded_project, which))
    assert not which.model.encoder._forward_hooks


def test_a_frozen_encoder_has_no_conflict_to_settle(encoded_project: Path) -> None:
    which = engine(encoded_project, weights="equal", combination=CHOSEN)
    which.model.encoder.requires_grad_(False)
    _, balance = which.take(0, first_batch(encoded_project, which))
    assert balance.shared == balance.heads
