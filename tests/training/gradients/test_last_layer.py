"""What is measured on the last shared layer, and what follows from it for the encoder and for the heads."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.training import balancing
from components.training.gradients.last_layer import last_layer
from components.training.gradients.scaling import EncoderScaling
from components.training.regularisation import Regulariser
from components.training.regularisation.fgm import FGM
from components.training.regularisation.smart import SMART
from tests.params.messages import complaint
from tests.training.gradients.explicit import by_autograd, check_a_step, engine, jacobian
from tests.training.steps import first_batch

LAST = "encoder.encoder.layer.1.output.dense."


def test_the_last_layer_is_the_last_weights_of_the_last_block(encoded_project: Path) -> None:
    model = engine(encoded_project).model
    named = {id(parameter): name for name, parameter in model.named_parameters()}
    assert [named[id(p)] for p in last_layer(model)] == [f"{LAST}weight", f"{LAST}bias"]


@pytest.mark.slow_after(1)
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


@pytest.mark.slow
@pytest.mark.parametrize(
    "regulariser", [FGM(epsilon=0.5), SMART(epsilon=0.1, noise=0.1)], ids=["fgm", "smart"]
)
@pytest.mark.parametrize("budget", [100_000, 90])
def test_an_adversary_is_not_led_astray_by_the_factors(
    encoded_project: Path, regulariser: Regulariser, budget: int
) -> None:
    """Heads over the same rows share a perturbation, which follows the sum of their losses, each by one; a
    step of several micro-batches makes it again once the factors are known."""
    chosen = {"method": "pcgrad", "gramian": "last_layer"}
    which = engine(encoded_project, budget, weights="equal", combination=chosen)
    which.regularisers = [regulariser]
    gradients = by_autograd(which, encoded_project)
    own = 1 / len(gradients)
    last_KP = own * jacobian(gradients, LAST)
    factors_K = balancing.combination("pcgrad")().factors(last_KP @ last_KP.T, which.seed, 0)
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
