"""Blocks in few operations answer as transformers' own do, or are not used."""

import pytest
import torch

from components.data.batches.pack import Pack
from components.model import fused as module
from components.model import learning
from components.model.fused import fused, rounded
from components.model.multitask import MultiTaskModel
from components.model.narrow import HEADS, keep, units_of
from components.model.packing import made_up, packed_states
from tests.model.runtimes import build

LENGTHS = (7, 1, 4, 4, 23)
pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch without oneDNN")


@pytest.fixture(autouse=True)
def however_small_and_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST", 0)
    monkeypatch.setattr(module, "WORTH", 0.0)


def both(model: MultiTaskModel, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    """States of a pack by transformers' blocks and by ours."""
    pack, ids_T = Pack.of(LENGTHS), made_up(model.encoder, sum(LENGTHS))
    segments_T = torch.zeros_like(ids_T) if model.takes_segments else None
    ours = fused(model.encoder, dtype)
    assert ours is not None
    with torch.inference_mode():
        return packed_states(model.encoder, ids_T, segments_T, pack), ours(ids_T, segments_T, pack)


@pytest.mark.slow
@pytest.mark.parametrize("gains", [False, True], ids=["torch's linear layers", "ours"])
@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_states_are_those_of_the_encoder(kind: str, gains: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "gains", lambda: gains)
    expected, found = both(build(kind))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_block_with_fewer_heads_is_computed_as_such() -> None:
    model = build()
    keep(units_of(model.encoder, HEADS)[0], [0, 2, 3])
    expected, found = both(model)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_in_half_precision_states_are_near() -> None:
    expected, found = both(build(), torch.bfloat16)
    assert found.dtype == torch.float32
    error = float((found - expected).abs().max() / expected.abs().max())
    assert 0 < error < 0.1


def test_they_stay_when_the_models_own_blocks_go() -> None:
    model = build()
    expected, _ = both(model)
    ours = fused(model.encoder)
    assert ours is not None
    model.answer_by(ours)
    ids_1L, mask_1L = made_up(model.encoder, LENGTHS[0])[None], torch.ones(1, LENGTHS[0], dtype=torch.int64)
    with torch.inference_mode():
        (found,) = model.encode_each(ids_1L, mask_1L, torch.zeros_like(ids_1L))
    torch.testing.assert_close(found, expected[: LENGTHS[0]], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["electra", "albert", "modernbert"])  # embeddings of their own, other blocks
def test_others_stay_as_they_are(kind: str) -> None:
    assert fused(build(kind).encoder) is None


def test_another_activation_is_not_taken_for_gelu() -> None:
    model = build()
    model.encoder.config.hidden_act = "relu"
    assert fused(model.encoder) is None


def test_what_computes_otherwise_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build()
    for block in model.encoder.encoder.layer:
        block.register_forward_hook(lambda block, given, hidden: hidden * 1.01)
    assert fused(model.encoder) is None


def test_what_is_no_faster_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORTH", 1e9)
    assert fused(build().encoder) is None


def test_numbers_of_tokens_are_few() -> None:
    assert [rounded(tokens) for tokens in (1, 8, 9, 128, 129, 512)] == [8, 8, 16, 128, 144, 512]
    assert len({rounded(tokens) for tokens in range(1, 513)}) == 40
