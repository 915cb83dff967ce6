import pytest
import torch
from torch import nn
from transformers import T5Config, T5EncoderModel

from components.model import products
from components.model.products import LaidOut, lay_out


def two_layers() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(24, 48), nn.GELU(), nn.Linear(48, 8, bias=False)).eval()


@pytest.fixture(autouse=True)
def however_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "LEAST", 0)


def test_a_weight_laid_out_once_gives_the_same_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "WORTH", 0.0)  # whichever is the faster here
    model, x = two_layers(), torch.randn(3, 5, 24)
    with torch.inference_mode():
        expected = model(x)
        done = lay_out(model)
        torch.testing.assert_close(model(x), expected, rtol=1e-5, atol=1e-6)
    assert done == torch.backends.mkldnn.is_available()
    assert done == any(isinstance(module, LaidOut) for module in model.modules())


def test_an_encoder_that_asks_a_layer_for_its_weights_type_answers_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T5 does, before its last product of a block."""
    monkeypatch.setattr(products, "WORTH", 0.0)
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 1, "num_heads": 4, "vocab_size": 99}
    torch.manual_seed(0)
    model, ids_BL = T5EncoderModel(T5Config(**sizes)).eval(), torch.arange(12).view(2, 6)
    with torch.inference_mode():
        expected = model(ids_BL)[0]
        assert lay_out(model) == torch.backends.mkldnn.is_available()
        torch.testing.assert_close(model(ids_BL)[0], expected, rtol=1e-5, atol=1e-5)


def test_a_library_that_is_not_the_faster_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "WORTH", 1e9)
    model = two_layers()
    assert not lay_out(model)
    assert not any(isinstance(module, LaidOut) for module in model.modules())


def test_a_library_that_is_wrong_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "WORTH", 0.0)
    monkeypatch.setattr(LaidOut, "forward", lambda self, x: x.new_zeros(*x.shape[:-1], self.weight.shape[0]))
    assert not lay_out(two_layers())


def test_layers_in_half_precision_stay_as_they_are() -> None:
    assert not lay_out(two_layers().to(torch.bfloat16))


def test_a_small_model_stays_as_it_is_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or its answers might differ in their last digits from run to run."""
    monkeypatch.setattr(products, "WORTH", 0.0)
    monkeypatch.setattr(products, "LEAST", 24 * 48 + 1)
    assert not lay_out(two_layers())
