"""A packed sequence's states and logits are its own: those it has alone, whatever it is packed with."""

from __future__ import annotations

from collections.abc import Iterator
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import (
    AutoModel,
    MPNetConfig,
    NystromformerConfig,
    PreTrainedConfig,
    PreTrainedModel,
)

from components import device as devices
from components.data.batches.batching import Item, packs
from components.data.batches.pack import Pack
from components.data.batches.tensors import Rows, pad
from components.errors import UserError
from components.model import attention, multitask, packing
from components.model.multitask import MultiTaskModel
from components.model.packing import packable, packed_states, paddable
from tests.model.encoders import BY_LENGTH, DEBERTA, PACKABLE, PADDABLE, SIZES

LENGTHS = (7, 40, 7, 7, 3, 25)
CARD = {"family": "classification", "facts": {"labels": ["a", "b", "c"]}, "max_length": 64}


def build(config: PreTrainedConfig) -> PreTrainedModel:
    """A random encoder whose tokens matter to each other, as in a trained one."""
    torch.manual_seed(1)
    encoder = AutoModel.from_config(config).eval()
    for parameter in encoder.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.2)
    return encoder


def alone(encoder: PreTrainedModel, sequences: list[torch.Tensor]) -> torch.Tensor:
    encoder.set_attn_implementation("sdpa")
    with torch.inference_mode():
        return torch.cat([encoder(input_ids=one[None]).last_hidden_state[0] for one in sequences])


def sequences_of(lengths: tuple[int, ...], seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(3, 99, (length,), generator=generator) for length in lengths]


@pytest.mark.parametrize("name", PACKABLE)
def test_packed_states_are_those_of_each_sequence_alone(name: str) -> None:
    encoder, sequences = build(PACKABLE[name]), sequences_of(LENGTHS)
    expected = alone(encoder, sequences)
    assert packable(encoder)
    with torch.inference_mode():
        pack = Pack.of(LENGTHS)
        found = packed_states(encoder, torch.cat(sequences), None, pack)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", PACKABLE)
def test_the_comparison_sees_attention_across_sequences(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken on purpose: with the whole pack as one sequence for attention, the encoder is refused."""
    honest = attention.by_length

    def across(states: Any, pack: Pack, *rest: Any) -> torch.Tensor:
        return honest(states, Pack.of((sum(pack.lengths),)), *rest)

    monkeypatch.setattr(attention, "by_length", across)
    assert not packable(build(PACKABLE[name]))


def test_the_comparison_sees_wrong_first_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "first_position", lambda _: 0)
    assert not packable(build(PACKABLE["roberta"]))


@pytest.mark.parametrize(
    "config",
    [DEBERTA, MPNetConfig(**SIZES)],
)
def test_an_encoder_of_relative_positions_is_padded_and_still_right(config: PreTrainedConfig) -> None:
    encoder = build(config)
    before = encoder.config._attn_implementation
    assert not packable(encoder)
    assert encoder.config._attn_implementation == before


def test_the_fallback_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(MPNetConfig(**SIZES)).save_pretrained(tmp_path)
    handler = BufferingHandler(10)
    monkeypatch.setattr(multitask.LOG, "handlers", [handler])
    model = MultiTaskModel.from_encoder(tmp_path, {}, 0.1, 3)
    assert not model.packs
    (line,) = [record.getMessage() for record in handler.buffer]
    assert line == "mpnet: sequences cannot be packed; they are padded, which is slower"


@pytest.mark.slow
@pytest.mark.parametrize("name", PADDABLE)
def test_an_encoder_that_padding_leaves_alone_is_padded(name: str) -> None:
    encoder = build(PADDABLE[name])
    assert not packable(encoder)
    assert paddable(encoder)


@pytest.fixture(params=BY_LENGTH)
def by_length(request: pytest.FixtureRequest, tmp_path: Path) -> MultiTaskModel:
    """A model whose encoder's states depend on padding."""
    build(BY_LENGTH[request.param]).save_pretrained(tmp_path)
    return MultiTaskModel.from_encoder(tmp_path, {"one": CARD}, 0.0, 3).eval()


def test_the_states_of_an_encoder_that_padding_changes_are_those_of_each_text_alone(
    by_length: MultiTaskModel,
) -> None:
    assert (by_length.packs, by_length.pads) == (False, False)
    sequences = sequences_of(LENGTHS)
    tensors = pad([(one.numpy(), np.zeros(len(one))) for one in sequences])
    with torch.inference_mode():
        found_BLD = by_length.encode(*tensors)
        by_length.pads = True
        padded_BLD = by_length.encode(*tensors)
    expected = (
        alone(by_length.encoder, sequences)
        if by_length.config.encoder["model_type"] != "fnet"
        else (torch.cat([by_length.encoder(input_ids=one[None])[0][0] for one in sequences]))
    )
    real_BL = tensors[1].bool()
    torch.testing.assert_close(found_BLD[real_BL], expected, rtol=1e-4, atol=1e-4)
    if by_length.config.encoder["model_type"] != "big_bird":  # whose attention differs for longer texts alone
        assert (padded_BLD[real_BL] - expected).abs().max() > 0.01 * expected.abs().max()


def test_they_learn_alike_whatever_stands_beside_them(by_length: MultiTaskModel) -> None:
    """Gradients of a micro-batch are the sum of those of its texts."""
    sequences = sequences_of((7, 12, 7, 3))

    def gradient(*some: torch.Tensor) -> torch.Tensor:
        by_length.zero_grad()
        tensors = pad([(one.numpy(), np.zeros(len(one))) for one in some])
        rows = {"one": Rows(torch.arange(len(some)))}
        by_length(*tensors, rows)["one"].square().sum().backward()
        found = [parameter.grad for parameter in by_length.encoder.parameters() if parameter.grad is not None]
        return torch.cat([one.flatten() for one in found])

    together = gradient(*sequences)
    apart = torch.stack([gradient(one) for one in sequences]).sum(0)
    assert (together - apart).norm() < 1e-4 * apart.norm()


@pytest.fixture(scope="module", params=["bert", "roberta", "modernbert"])
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MultiTaskModel]:
    folder = tmp_path_factory.mktemp("encoder")
    build(PACKABLE[request.param]).save_pretrained(folder)
    yield MultiTaskModel.from_encoder(folder, {"one": CARD}, 0.1, 3).eval()


def logits(model: MultiTaskModel, sequences: list[torch.Tensor]) -> torch.Tensor:
    tensors = pad([(one.numpy(), np.zeros(len(one))) for one in sequences])
    with torch.inference_mode():
        return model(*tensors, {"one": Rows(torch.arange(len(sequences)))})["one"]


def test_logits_do_not_change_with_pack_mates(model: MultiTaskModel) -> None:
    assert model.packs
    sequences = sequences_of(LENGTHS)
    together = logits(model, sequences)
    for place, sequence in enumerate(sequences):
        torch.testing.assert_close(logits(model, [sequence])[0], together[place], rtol=1e-5, atol=1e-5)
    others = [*sequences_of((11, 3), seed=5), sequences[3]]
    torch.testing.assert_close(logits(model, others)[2], together[3], rtol=1e-5, atol=1e-5)


def test_packed_logits_and_gradients_are_those_of_padded_batches(model: MultiTaskModel) -> None:
    sequences = sequences_of(LENGTHS)
    tensors = pad([(one.numpy(), np.zeros(len(one))) for one in sequences])
    rows, results = {"one": Rows(torch.tensor([4, 1, 3]))}, []
    for packs_, way in ((True, packing.ATTENTION), (False, "sdpa")):
        model.packs = packs_
        model.encoder.set_attn_implementation(way)
        model.zero_grad()
        found = model(*tensors, rows)["one"]
        found.square().sum().backward()
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        results.append((found.detach(), torch.cat([gradient.flatten() for gradient in gradients])))
    model.choose_packing()
    torch.testing.assert_close(results[0][0], results[1][0], rtol=1e-5, atol=1e-5)
    assert (results[0][1] - results[1][1]).norm() < 1e-5 * results[1][1].norm()


def lengths_of_short_texts(rows: int) -> np.ndarray:
    """Lognormal lengths, mean 30, tail to 256, as texts of a few sentences have them."""
    return np.random.default_rng(0).lognormal(3.05, 0.85, rows).clip(3, 256).astype(int)


@pytest.mark.slow
def test_the_encoder_computes_real_tokens_alone(model: MultiTaskModel) -> None:
    """Counted where it happens: the rows of states that enter the encoder's linear layers."""
    lengths = lengths_of_short_texts(300)
    assert lengths.max() > 150
    items = [Item(int(n), "a", i) for i, n in enumerate(lengths)]
    seen: list[int] = []
    linear = next(m for name, m in model.encoder.named_modules() if isinstance(m, nn.Linear))
    hook = linear.register_forward_hook(lambda _, args, __: seen.append(args[0].shape[:-1].numel()))
    for group in packs(items, 2048):
        logits(model, sequences_of(tuple(item.length for item in group)))
    hook.remove()
    assert sum(item.length for item in items) / sum(seen) >= 0.99


def test_an_encoder_that_reads_only_some_lengths_is_one_sentence(tmp_path: Path) -> None:
    build(NystromformerConfig(**SIZES, segment_means_seq_len=16, num_landmarks=4)).save_pretrained(tmp_path)
    with pytest.raises(
        UserError, match=r"nystromformer: cannot read texts of any length \(shape "
    ) as refused:
        MultiTaskModel.from_encoder(tmp_path, {}, 0.0, 3)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["bert", "modernbert"])
def test_heads_of_means_answer_alike_from_means_and_from_tokens(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU gives such heads the mean of each sequence, found once for all of them."""
    build(PACKABLE[name]).save_pretrained(tmp_path)
    model = MultiTaskModel.from_encoder(tmp_path, {"one": CARD, "two": CARD}, 0.0, 3)
    tensors = pad([(one.numpy(), np.zeros(len(one))) for one in sequences_of(LENGTHS)])
    rows = {"one": Rows(torch.tensor([4, 1, 3])), "two": Rows(torch.tensor([0, 2, 5, 1]))}
    results = []
    for launches in (False, True):
        monkeypatch.setattr(devices, "counts_launches", lambda _, launches=launches: launches)
        model.zero_grad()
        found = model(*tensors, rows, Pack.of_mask(tensors[1]))
        sum(one.square().sum() for one in found.values()).backward()
        results.append([*found.values(), *(p.grad for p in model.parameters() if p.grad is not None)])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_sequence_that_a_row_lacks_has_no_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of rows that are several sequences, as a question's choices are."""
    card = {"family": "multiple_choice", "facts": {"options": {}}, "max_length": 64}
    build(PACKABLE["bert"]).save_pretrained(tmp_path)
    model = MultiTaskModel.from_encoder(tmp_path, {"choice": card}, 0.0, 3)
    tensors = pad([(one.numpy(), np.zeros(len(one))) for one in sequences_of(LENGTHS)])
    rows = {"choice": Rows(torch.tensor([[0, 1, 2], [3, 4, -1]]))}
    expected = model(*tensors, rows, Pack.of_mask(tensors[1]))["choice"]
    monkeypatch.setattr(devices, "counts_launches", lambda _: True)
    found = model(*tensors, rows, Pack.of_mask(tensors[1]))["choice"]
    assert found[1, 2] == -torch.inf
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
