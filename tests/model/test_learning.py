"""Linear layers that learn by oneDNN are torch's: their outputs, gradients, copies and weights in a file."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from components import processor
from components.model import learning
from components.model.learning import Linear, quicken


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    learning.gains.cache_clear()


def layer(bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(24, 48, bias=bias)


@pytest.mark.parametrize("shape", [(24,), (7, 24), (1, 7, 24)])
@pytest.mark.parametrize("bias", [True, False])
def test_outputs_and_gradients_are_those_of_torchs_own(
    bias: bool, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = layer(bias).double()
    ours = Linear.of(layer(bias))
    x = torch.randn(*shape, requires_grad=True)
    seen: list[object] = []
    honest = learning._product
    monkeypatch.setattr(learning, "_product", lambda *given: seen.append(given) or honest(*given))
    found, expected = ours(x), theirs(x.double())
    weight = torch.randn(found.shape)
    gradients = torch.autograd.grad(found, [x, *ours.parameters()], weight)
    exact = torch.autograd.grad(expected, [x, *theirs.parameters()], weight.double())
    assert len(seen) == 2  # the output, and the input's gradient
    for one, other in zip([found, *gradients], [expected, *exact], strict=True):
        torch.testing.assert_close(one, other.float(), rtol=1e-5, atol=1e-6)


def test_frozen_weights_get_no_gradient_and_pass_that_of_what_they_are_given() -> None:
    """As where the gradients of tasks are told apart."""
    ours = Linear.of(layer()).requires_grad_(False)
    x = torch.randn(7, 24, requires_grad=True)
    ours(x).sum().backward()
    torch.testing.assert_close(x.grad, ours.weight.sum(0).expand(7, -1))
    assert ours.weight.grad is None


def test_answers_and_half_precision_are_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "_product", pytest.fail)
    ours, theirs, x = Linear.of(layer()), layer(), torch.randn(7, 24)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(ours(x), theirs(x))
    with torch.inference_mode():
        assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.eval()(x), theirs(x))


@pytest.mark.parametrize(("named", "type_of_layer"), [("AMD EPYC", Linear), ("Intel(R) Xeon(R)", nn.Linear)])
def test_layers_are_replaced_where_the_processor_gains(
    named: str, type_of_layer: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "model_name", lambda: named)
    model = nn.Sequential(layer(), nn.Sequential(layer())).eval()
    before, weights = list(model.parameters()), model.state_dict()
    quicken(model)
    assert [type(one) for one in model.modules() if isinstance(one, nn.Linear)] == [type_of_layer] * 2
    assert all(one is other for one, other in zip(model.parameters(), before, strict=True))
    assert list(model.state_dict()) == list(weights)
    assert not any(module.training for module in model.modules())


def test_a_copy_learns_by_its_own_weights() -> None:
    """An average of the weights is one."""
    ours = Linear.of(layer())
    other = copy.deepcopy(ours)
    with torch.no_grad():
        other.weight.zero_()
        other.bias.zero_()
    assert (other(torch.randn(7, 24)) == 0).all()
