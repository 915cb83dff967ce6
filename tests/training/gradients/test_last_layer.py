"""What is measured on the last shared layer, and what follows from it for the encoder and for the heads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from components.settings.training import Balancing
from components.training import balancing
from components.training.gradients.last_layer import last_layer
from components.training.gradients.scaling import EncoderScaling
from components.training.step.backward import StepBackward
from components.training.step.stepper import Stepper
from tests.params.messages import complaint
from tests.training.run.test_loop import first_batch, stepper

LAST = "encoder.encoder.layer.1.output.dense."


def engine(root: Path, budget: int = 100_000, **chosen: object) -> Stepper:
    how = {"balancing": Balancing.model_validate(chosen), "tokens_per_micro_batch": budget, "clip": 1e9}
    found = stepper(root, **how)
    found.model.train()
    return found


def by_autograd(which: Stepper, root: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The oracle: head -> parameter -> gradient of its loss, a whole backward pass for each."""
    look, found = StepBackward(which, 0, first_batch(root, which)), {}
    for head in look.rows:
        which.model.zero_grad()
        for micro in look.micros():
            means = look.means(micro)
            if head in means:
                means[head].backward()
        found[head] = {n: p.grad.double() for n, p in which.model.named_parameters() if p.grad is not None}
    which.model.zero_grad()
    return found


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
        for parameter in (key for key in of_head if key.startswith(f"heads.{head}.")):
            torch.testing.assert_close(taken[parameter], own * of_head[parameter], rtol=1e-3, atol=1e-6)


def test_the_last_layer_is_the_last_weights_of_the_last_block(encoded_project: Path) -> None:
    model = engine(encoded_project).model
    named = {id(parameter): name for name, parameter in model.named_parameters()}
    assert [named[id(p)] for p in last_layer(model)] == [f"{LAST}weight", f"{LAST}bias"]


@pytest.mark.parametrize("weights", ["equal", "gradnorm"])
@pytest.mark.parametrize("name", ["pcgrad", "mgda"])
@pytest.mark.parametrize("budget", [100_000, 90])
def test_factors_of_the_last_layer_weigh_the_encoder_and_not_the_heads(
    encoded_project: Path, name: str, weights: str, budget: int
) -> None:
    """Against explicit gradients: those of mood and of size are over the same rows."""
    which = engine(
        encoded_project, budget, weights=weights, combination={"method": name, "gramian": "last_layer"}
    )
    gradients = by_autograd(which, encoded_project)
    own = 1 / len(gradients) if weights == "equal" else 1.0  # GradNorm's first weights
    last_KP = own * jacobian(gradients, LAST)
    factors_K = balancing.combination(name)().factors(last_KP @ last_KP.T, which.seed, 0)
    check_a_step(which, encoded_project, gradients, own, factors_K)


def test_gradnorm_composes_with_an_exact_combination(encoded_project: Path) -> None:
    """Then every gradient is at hand, and the norms are of the same last layer."""
    learned = []
    for combination in ("sum", "pcgrad"):
        which = engine(encoded_project, weights="gradnorm", combination=combination)
        which.take(0, first_batch(encoded_project, which))
        learned.append(which.balancer.state())
    for head, memory in learned[0].items():
        assert memory == pytest.approx(learned[1][head], rel=1e-3)


def test_nothing_watches_the_heads_afterwards(encoded_project: Path) -> None:
    model = engine(encoded_project).model
    with pytest.raises(ZeroDivisionError), EncoderScaling(model):
        assert all(head._forward_pre_hooks for head in model.heads.values())
        _ = 1 / 0
    assert not any(head._forward_pre_hooks for head in model.heads.values())


def test_a_gramian_that_is_not_offered_is_one_sentence(tiny_project: Path) -> None:
    chosen = "balancing: {combination: {method: pcgrad, gramian: last}}"
    said = complaint(tiny_project, "  window: 4", f"  window: 4\n  {chosen}")
    assert said.startswith("params.yaml: training.balancing.combination.gramian: found 'last'")
