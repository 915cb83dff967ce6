"""Attention within the sequences of a pack, by length and by the kernel, is the formula's."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from components import device
from components.data.batches import pack
from components.data.batches.pack import Pack
from components.dropout import kept_of
from components.model import attention, cpu_attention
from components.model.packing import attend
from tests.model import kernels
from tests.model.kernels import by_the_formula

LENGTHS = (7, 40, 7, 7, 3, 25)
PACK = Pack.of(LENGTHS)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    attention.trusted.cache_clear()


def states_of(groups: int = 4, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(2)
    return [torch.randn(sum(LENGTHS), heads, 8, generator=draw).to(dtype) for heads in (4, groups, groups)]


@pytest.mark.parametrize("window", [None, 1, 4, 7, 40])
@pytest.mark.parametrize("scaling", [None, 0.7])
@pytest.mark.parametrize("groups", [4, 2], ids=["a key for each head", "a key for two heads"])
@pytest.mark.parametrize("way", [attention.by_length, attention.by_kernel])
def test_attention_in_a_pack_is_the_formulas(
    way, groups: int, scaling: float | None, window: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scale and window reach both ways of computing it."""
    kernels.install(monkeypatch)
    states = states_of(groups)
    found = way(states, PACK, 0.0, scaling, window)
    torch.testing.assert_close(found, by_the_formula(states, LENGTHS, scaling, window), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize("groups", [4, 2], ids=["a key for each head", "a key for two heads"])
def test_answers_are_made_by_torchs_own_attention(
    groups: int, window: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_attention, "attend", pytest.fail)
    states = states_of(groups)
    with torch.inference_mode():
        found = attention.by_length(states, PACK, 0.0, 0.7, window)
    torch.testing.assert_close(found, by_the_formula(states, LENGTHS, 0.7, window), rtol=1e-5, atol=1e-5)


def dropped_by_the_formula(states: list[torch.Tensor], dropout: float, window: int | None) -> torch.Tensor:
    """`by_the_formula` with the draws of `cpu_attention`, which takes the longest sequences first."""
    query, key, value = states
    key, value = (one.repeat_interleave(query.shape[1] // one.shape[1], 1) for one in (key, value))
    attended: dict[int, torch.Tensor] = {}
    for length in sorted({*LENGTHS}, reverse=True):
        numbers = [number for number, own in enumerate(LENGTHS) if own == length]
        starts = [sum(LENGTHS[:number]) for number in numbers]
        kept, rise = kept_of(torch.Size((len(starts) * query.shape[1], length, length)), dropout)
        kept_nHLL = kept.view(len(starts), -1, length, length)
        for number, start, kept_HLL in zip(numbers, starts, kept_nHLL, strict=True):
            q_HLd, k_HLd, v_HLd = (one[start : start + length].transpose(0, 1) for one in (query, key, value))
            scores_HLL = q_HLd @ k_HLd.mT * query.shape[-1] ** -0.5
            places = torch.arange(length)
            hidden_LL = (places[:, None] - places).abs() >= (window or length)
            weights_HLL = scores_HLL.masked_fill(hidden_LL, float("-inf")).softmax(-1)
            attended[number] = (weights_HLL * kept_HLL * rise @ v_HLd).transpose(0, 1)
    return torch.cat([attended[number] for number in range(len(LENGTHS))])


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize("groups", [4, 2], ids=["a key for each head", "a key for two heads"])
def test_what_attention_learns_on_a_cpu_is_the_formulas_gradient(
    groups: int, window: int | None, dropout: float
) -> None:
    """With dropout too: what was dropped forward is dropped backward."""
    own = [one.requires_grad_() for one in states_of(groups)]
    exact = [one.detach().double().requires_grad_() for one in own]
    draw = torch.Generator().manual_seed(3)
    weight = torch.randn(own[0].shape, generator=draw)
    torch.manual_seed(1)
    found = attention.by_length(own, PACK, dropout, None, window)
    torch.manual_seed(1)
    expected = dropped_by_the_formula(exact, dropout, window)
    torch.testing.assert_close(found, expected.float(), rtol=1e-5, atol=1e-5)
    gradients = torch.autograd.grad(found, own, weight)
    for one, other in zip(gradients, torch.autograd.grad(expected, exact, weight.double()), strict=True):
        torch.testing.assert_close(one, other.float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize("groups", [4, 2], ids=["a key for each head", "a key for two heads"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_of_a_long_sequence_no_weights_are_kept_and_the_gradient_is_the_formulas(
    dtype: torch.dtype, groups: int, window: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In single precision too, whatever the states are in; but for the band of a window, which is one."""
    monkeypatch.setattr(attention, "KEPT", max(LENGTHS) - 1)
    own = [one.requires_grad_() for one in states_of(groups, dtype)]
    exact = [one.detach().double().requires_grad_() for one in own]
    kept: list[torch.Tensor] = []
    with (
        torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16),
        torch.autograd.graph.saved_tensors_hooks(lambda one: kept.append(one) or one, lambda one: one),
    ):
        found = attention.by_length(own, PACK, 0.0, 0.7, window)
    assert found.dtype == dtype
    of_weights = [one for one in kept if one.shape[-2:] == (40, 40)]
    assert [tuple(one.shape) for one in of_weights] == ([(40, 40)] if window else [])
    gradients = torch.autograd.grad(found.sum(), own)
    expected = torch.autograd.grad(by_the_formula(exact, LENGTHS, 0.7, window).sum(), exact)
    unit = 2.0**-8 if dtype == torch.bfloat16 else 1e-5
    for one, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=unit, atol=1e-5)


@pytest.mark.parametrize(
    ("length", "dropout", "ours"), [(1024, 0.0, True), (1025, 0.0, False), (1025, 0.1, True)]
)
def test_sequences_that_are_long_and_lose_nothing_are_torchs(
    length: int, dropout: float, ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no kernel with dropout that would keep less."""
    found = torch.zeros(())
    monkeypatch.setattr(cpu_attention, "attend", lambda *_: found)
    states = [torch.zeros(length, 1, 1)] * 3
    assert (attention.by_length(states, Pack.of((length,)), dropout, None, None) is found) == ours


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("learns", [True, False])
def test_weights_are_kept_for_a_gradient_alone(learns: bool, dropout: float) -> None:
    kept: list[torch.Tensor] = []
    context = SimpleNamespace(
        needs_input_grad=(learns,) + 6 * (False,), save_for_backward=lambda *given: kept.extend(given)
    )
    cpu_attention._Attention.forward(context, *states_of(), PACK, dropout, 1.0, None)
    squares = PACK.by_head(4).squares
    assert sum(one.numel() for one in kept[4:]) == learns * squares
    of_dropout = kept[3] if learns else None
    assert (0 if of_dropout is None else of_dropout.numel()) == learns * bool(dropout) * squares


@pytest.mark.parametrize(("long", "rounding"), [(cpu_attention.LONG, 2.0**-8), (3, 2.0**-7)])
def test_half_precision_learns_by_scores_in_single_precision(
    long: int, rounding: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the gradient is off by the rounding of what it is given and gives, and no more; of long sequences by
    that of the weights and the scores' gradient too, by the largest."""
    monkeypatch.setattr(cpu_attention, "LONG", long)
    own = [one.requires_grad_() for one in states_of(dtype=torch.bfloat16)]
    exact = [one.detach().double().requires_grad_() for one in own]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = attention.by_length(own, PACK, 0.0, None, None)
    assert found.dtype == torch.bfloat16
    gradients = torch.autograd.grad(found.sum(), own)
    expected = torch.autograd.grad(by_the_formula(exact, LENGTHS, None, None).sum(), exact)
    for one, other in zip(gradients, expected, strict=True):
        slack = 1e-6 if long > max(LENGTHS) else rounding * float(other.abs().max())
        torch.testing.assert_close(one.double(), other, rtol=rounding, atol=slack)


def test_all_sequences_of_a_length_are_one_call() -> None:
    """Wherever they stand in the pack; their tokens are found again, head by head."""
    order = PACK.by_head(2)
    assert order.groups == [(2, 40), (2, 25), (6, 7), (2, 3)]
    states_R = torch.arange(2 * sum(LENGTHS))  # token by token, both heads of each
    assert torch.equal(states_R[order.there_R][order.back_R], states_R)
    of_sevens_NL = order.parts(states_R[order.there_R][:, None])[2].squeeze(-1)
    assert of_sevens_NL[:, 0].tolist() == [2 * start + head for start in (0, 47, 54) for head in (0, 1)]
    assert (of_sevens_NL.diff() == 2).all()  # from a token to the next one


def test_sequences_of_a_length_are_several_calls_where_their_weights_would_leave_the_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pack, "TOGETHER", 2 * 7**2)
    assert Pack.of(LENGTHS).by_head(2).groups == [(2, 40), (2, 25), (4, 7), (2, 7), (2, 3)]


def attended(dropout: float, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    given = [one.transpose(0, 1)[None] for one in states_of(dtype=dtype)]
    return attend(nn.Identity(), *given, None, pack=PACK, dropout=dropout)[0]


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_gpu_has_one_call_for_all_sequences_with_dropout_and_without(
    dropout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels.install(monkeypatch)
    monkeypatch.setattr(device, "counts_launches", lambda _: True)
    seen: list[float] = []
    honest = kernels.flash_attention
    monkeypatch.setattr(
        torch.ops.aten, "_flash_attention_forward", lambda *a, **k: seen.append(a[7]) or honest(*a, **k)
    )
    attended(dropout)
    seen.clear()  # those of the trial
    attended(dropout)
    assert seen == [dropout]


def test_single_precision_has_no_such_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "counts_launches", lambda _: True)  # which would raise: a CPU has none
    torch.testing.assert_close(
        attended(0.0, torch.float32)[0],
        by_the_formula(states_of(), LENGTHS, None, None),
        rtol=1e-5,
        atol=1e-5,
    )


def _refuses(*_: object, **__: object) -> tuple[torch.Tensor]:
    raise RuntimeError("FlashAttention only supports Ampere GPUs or newer.")


def _takes_no_dropout(*given, **options) -> tuple[torch.Tensor]:
    if given[7]:
        raise RuntimeError("This flash attention build does not support dropout.")
    return kernels.flash_attention(*given, **options)


def _looks_across(query, key, value, edges, *rest, **options) -> tuple[torch.Tensor]:
    """Of all sequences as if they were one."""
    whole = edges[[0, -1]]
    longest = int(whole[1])
    return kernels.flash_attention(query, key, value, whole, whole, longest, longest, *rest[3:], **options)


@pytest.mark.parametrize("kernel", [_refuses, _takes_no_dropout, _looks_across])
def test_a_kernel_that_fails_or_is_wrong_is_not_used(kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(attention.LOG, "handle", lambda record: said.append(record.getMessage()))
    monkeypatch.setattr(device, "counts_launches", lambda _: True)
    monkeypatch.setattr(torch.ops.aten, "_flash_attention_forward", kernel)
    found = attended(0.0)[0].float()
    expected = by_the_formula(states_of(dtype=torch.bfloat16), LENGTHS, None, None).float()
    assert (found - expected).abs().max() <= 2.0**-6 * expected.abs().max()
    (line,) = said
    assert line.endswith("slower")


def test_the_trial_of_a_kernel_changes_no_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels.install(monkeypatch)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert attention.trusted(torch.device("cpu"), torch.bfloat16, 4, 4, 8)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("window", [None, 1, 4])
@pytest.mark.parametrize("scaling", [None, 0.7])
def test_the_kernel_itself_is_the_formula(scaling: float | None, window: int | None) -> None:
    """In bf16: inputs, weights and output are rounded to 8 significant bits, so each is off by 2^-8 at most."""
    states = states_of(dtype=torch.bfloat16)
    found = attention.by_kernel(
        [one.cuda() for one in states], PACK.to(torch.device("cuda")), 0.0, scaling, window
    )
    expected = by_the_formula(states, LENGTHS, scaling, window).float()
    error = (found.cpu().float() - expected).abs().max()
    assert error <= 3 * 2.0**-8 * expected.abs().max()
