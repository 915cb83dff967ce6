"""Gradients by task, their Gramian and their weighted sum are those of a backward pass for every task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    AutoModel,
    PreTrainedConfig,
)

from components.data.batches.tensors import Rows, pad
from components.model.multitask import MultiTaskModel
from components.training.gradients.packed import PackedGradients, disjoint, segments
from components.training.gradients.separate import SeparateGradients, task_gradients
from tests.model.encoders import ENCODERS

CARDS = {
    "a": {"family": "classification", "facts": {"labels": ["x", "y", "z"]}, "max_length": 64},
    "b": {"family": "tagging", "facts": {"tags": ["O", "B-X", "I-X"]}, "max_length": 64},
    "c": {"family": "classification", "facts": {"labels": ["x", "y"]}, "max_length": 64},
}
Micro = tuple[list[int], dict[str, list[int]]]  # lengths, and each head's places
DISJOINT: list[Micro] = [
    ([9, 4, 4, 30, 12, 12], {"a": [0, 1], "b": [2, 3], "c": [4, 5]}),
    ([7, 5, 5], {"c": [0, 2], "a": [1]}),  # b is absent, and c's rows are not neighbours
]
JOINT: list[Micro] = [([9, 4, 30, 12], {"a": [0, 1, 2], "b": [3], "c": [1, 2]}), DISJOINT[0]]


def build(config: PreTrainedConfig, folder: Path) -> MultiTaskModel:
    torch.manual_seed(1)
    encoder = AutoModel.from_config(config)
    for parameter in encoder.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    encoder.save_pretrained(folder)
    return MultiTaskModel.from_encoder(folder, CARDS, 0.0, 3).train()


def run(model: MultiTaskModel, micro: Micro, number: int) -> tuple[dict, torch.Tensor, dict[str, Rows]]:
    """Losses by head of a micro-batch of random tokens, its mask, and its rows."""
    lengths, places = micro
    draw = np.random.default_rng(number)
    input_ids, mask, segments_ = pad([(draw.integers(3, 99, n), draw.integers(0, 2, n)) for n in lengths])
    rows = {head: Rows(torch.tensor(own)) for head, own in places.items()}
    logits = model(input_ids, mask, segments_, rows)
    return {head: _loss(values, mask[rows[head].places]) for head, values in logits.items()}, mask, rows


def _loss(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Some function of the real logits: not the same for every token."""
    if logits.ndim == 3:
        logits = logits[mask.bool()]
    return -logits.log_softmax(-1)[..., 0].sum() / 7


def by_autograd(model: MultiTaskModel, micros: list[Micro]) -> dict[str, dict[str, torch.Tensor]]:
    """The oracle: head -> parameter -> gradient, each of a forward and a backward pass of its own."""
    gradients = {}
    for head in CARDS:
        model.zero_grad(set_to_none=True)
        for number, micro in enumerate(micros):
            losses, *_ = run(model, micro, number)
            if head in losses:
                losses[head].backward()
        gradients[head] = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    return gradients


def gathered(model: MultiTaskModel, micros: list[Micro]) -> PackedGradients | SeparateGradients:
    with task_gradients(model, list(CARDS)) as gradients:
        for number, micro in enumerate(micros):
            gradients.backward(*run(model, micro, number))
    return gradients


def close(found: torch.Tensor, expected: torch.Tensor) -> bool:
    return bool((found - expected).norm() <= 1e-4 * expected.norm() + 1e-7)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("micros", [DISJOINT, JOINT], ids=["disjoint", "joint"])
def test_gramian_and_combined_gradient_are_those_of_separate_backwards(
    name: str, micros: list[Micro], tmp_path: Path
) -> None:
    model = build(ENCODERS[name], tmp_path)
    expected = by_autograd(model, micros)
    gradients = gathered(model, micros)
    assert isinstance(gradients, SeparateGradients if name == "deberta" else PackedGradients)
    shared = {n for of_head in expected.values() for n in of_head if n.startswith("encoder.")}
    flat = [torch.cat([expected[h][n].flatten() if n in expected[h] else torch.zeros(
        model.get_parameter(n).numel()) for n in sorted(shared)]) for h in CARDS]  # fmt: skip
    exact_KK = (torch.stack(flat).double() @ torch.stack(flat).double().T).numpy()
    norms = np.sqrt(np.diag(exact_KK))
    assert np.abs(gradients.gramian() - exact_KK).max() < 1e-4 * np.outer(norms, norms).min()

    weights, own = {"a": 0.5, "b": -1.5, "c": 2.0}, {"a": 3.0, "b": 0.25, "c": 1.0}
    gradients.apply(weights, own)
    for parameter, tensor in model.named_parameters():
        scale = weights if parameter in shared else own
        parts = [scale[head] * expected[head][parameter] for head in CARDS if parameter in expected[head]]
        if parts:
            assert close(tensor.grad, torch.stack(parts).sum(0)), parameter
        else:
            assert tensor.grad is None, parameter


def test_position_and_segment_embeddings_are_among_the_shared(tmp_path: Path) -> None:
    model = build(ENCODERS["bert"], tmp_path)
    gradients = gathered(model, DISJOINT)
    gradients.apply(dict.fromkeys(CARDS, 1.0), dict.fromkeys(CARDS, 1.0))
    for name in ("word_embeddings", "position_embeddings", "token_type_embeddings"):
        assert model.encoder.get_parameter(f"embeddings.{name}.weight").grad.norm() > 0


def test_the_model_is_left_as_it_was(tmp_path: Path) -> None:
    """Frozen parameters stay frozen, the others train again, and nothing watches any more, even after an
    error."""
    model = build(ENCODERS["bert"], tmp_path)
    frozen = model.encoder.get_parameter("embeddings.word_embeddings.weight").requires_grad_(False)
    wanted = [p.requires_grad for p in model.parameters()]
    gathered(model, DISJOINT).apply(dict.fromkeys(CARDS, 1.0), dict.fromkeys(CARDS, 1.0))
    with pytest.raises(ZeroDivisionError), task_gradients(model, ["a"]):
        _ = 1 / 0
    assert [p.requires_grad for p in model.parameters()] == wanted
    assert frozen.grad is None
    assert not any(module._forward_hooks for module in model.modules())


def test_half_precision_agrees_with_its_own_separate_backwards(tmp_path: Path) -> None:
    model = build(ENCODERS["bert"], tmp_path)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected, gradients = by_autograd(model, DISJOINT), gathered(model, DISJOINT)
    gradients.apply({"a": 1.0, "b": 0.0, "c": 0.0}, dict.fromkeys(CARDS, 1.0))
    for name, gradient in expected["a"].items():
        found = model.get_parameter(name).grad
        assert (found - gradient).norm() < 0.02 * gradient.norm() + 1e-3, name


def test_heads_over_the_same_rows_go_apart() -> None:
    groups = disjoint({"a": {0, 1}, "b": {2}, "c": {1, 2}, "d": {3}})
    assert [set(group) for group in groups] == [{"a", "b", "d"}, {"c"}]


def test_segments_skip_sequences_without_a_task() -> None:
    assert segments([0, 0, -1, 1, 0], [3, 2, 4, 1, 5]) == [(0, 0, 5), (1, 9, 10), (0, 10, 15)]
