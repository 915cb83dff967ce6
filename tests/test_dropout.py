"""Our dropout is dropout: the rate, the scale, the gradient; and torch's seed is all that it depends on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from components.data.batches.pack import Pack
from components.dropout import Dropout, dropped, quicken
from components.model.packing import attend
from tests.model.kernels import by_the_formula


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_elements_are_lost_at_the_rate_and_the_rest_keep_the_mean(probability: float) -> None:
    torch.manual_seed(1)
    found = dropped(torch.ones(1001, 999), probability)
    lost = (found == 0).double()
    assert lost.mean() == pytest.approx(probability, abs=2e-3)
    assert found.double().mean() == pytest.approx(1, abs=5e-3)
    assert found[found != 0].unique().tolist() == [pytest.approx(1 / (1 - probability), rel=2e-4)]


def test_neighbours_are_lost_independently() -> None:
    """Four elements share a 64-bit number."""
    torch.manual_seed(1)
    lost_N4 = (dropped(torch.ones(250_000, 4), 0.3) == 0).double()
    correlation_44 = torch.corrcoef(lost_N4.T)
    assert (correlation_44 - torch.eye(4)).abs().max() < 0.01
    assert lost_N4.mean(0).tolist() == pytest.approx([0.3] * 4, abs=4e-3)


def test_the_gradient_is_that_of_the_elements_kept() -> None:
    values = torch.randn(7, 9, requires_grad=True)
    found = dropped(values, 0.4)
    found.sum().backward()
    torch.testing.assert_close(values.grad, (found / values).detach())
    assert sorted(values.grad.unique().tolist()) == pytest.approx([0, 1 / 0.6], rel=1e-4)


def test_the_seed_decides() -> None:
    values, draws = torch.ones(33), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(dropped(values, 0.5))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_half_precision_stays_half() -> None:
    assert dropped(torch.ones(8, dtype=torch.bfloat16), 0.5).dtype == torch.bfloat16


def test_every_dropout_of_a_model_is_replaced_and_rests_outside_training() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.25)))
    quicken(model)
    (found,) = (module for module in model.modules() if isinstance(module, nn.Dropout))
    assert isinstance(found, Dropout)
    assert found.p == 0.25
    values = torch.ones(100)
    assert torch.equal(found.eval()(values), values)
    assert (found.train()(values) == 0).any()


PACK = Pack.of((5, 3, 3))


def states() -> list[torch.Tensor]:
    torch.manual_seed(2)
    return [torch.randn(1, 2, 11, 8) for _ in range(3)]


@pytest.mark.parametrize("scaling", [None, 0.2])
def test_attention_with_hardly_any_dropout_is_attention(scaling: float | None) -> None:
    """And that is the formula's, with the scale that the encoder asks for."""
    own = [one[0].transpose(0, 1) for one in states()]
    expected, _ = attend(nn.Identity(), *states(), None, pack=PACK, scaling=scaling)
    by_hand = by_the_formula(own, PACK.lengths, scaling, None)[None]
    torch.testing.assert_close(expected, by_hand, rtol=1e-5, atol=1e-6)
    found, _ = attend(nn.Identity(), *states(), None, pack=PACK, scaling=scaling, dropout=1e-9)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_attention_loses_weights_and_not_states() -> None:
    """By hand, for one sequence: softmax, then the dropout that the seed gives, then the mean of values."""
    query, key, value = (one[:, :, :5] for one in states())
    torch.manual_seed(3)
    found, _ = attend(nn.Identity(), query, key, value, None, pack=Pack.of((5,)), dropout=0.5)
    torch.manual_seed(3)
    kept = dropped(torch.ones(1, 2, 5, 5), 0.5)
    weights = torch.einsum("bhid,bhjd->bhij", query, key).div(8**0.5).softmax(-1) * kept
    expected = torch.einsum("bhij,bhjd->bihd", weights, value)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
