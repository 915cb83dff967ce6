"""Gradients by task, their Gramian and their weighted sum are those of a backward pass for every task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from components import device as devices
from components.model.multitask import MultiTaskModel
from components.training.gradients.packed import PackedGradients, disjoint
from components.training.gradients.ranges import segments
from components.training.gradients.separate import SeparateGradients, task_gradients
from tests.model import kernels
from tests.model.encoders import ENCODERS
from tests.training.gradients.micros import CARDS, DISJOINT, JOINT, Micro, build, gathered, run


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


def close(found: torch.Tensor, expected: torch.Tensor) -> bool:
    return bool((found - expected).norm() <= 1e-4 * expected.norm() + 1e-7)


@pytest.fixture(params=[False, True], ids=["a CPU's way", "a GPU's way"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Of a GPU: few launches, no reads; all of it runs here, but for the kernel of attention."""
    if request.param:
        monkeypatch.setattr(devices, "counts_launches", lambda _: True)
        kernels.install(monkeypatch)
    return request.param


@pytest.mark.slow
@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("micros", [DISJOINT, JOINT], ids=["disjoint", "joint"])
def test_gramian_and_combined_gradient_are_those_of_separate_backwards(
    name: str, micros: list[Micro], way: bool, tmp_path: Path
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
    assert (np.abs(gradients.gramian() - exact_KK) < 1e-5 * np.outer(norms, norms)).all()

    weights, own = {"a": 0.5, "b": -1.5, "c": 2.0}, {"a": 3.0, "b": 0.25, "c": 1.0}
    gradients.apply(weights, own)
    for parameter, tensor in model.named_parameters():
        scale = weights if parameter in shared else own
        parts = [scale[head] * expected[head][parameter] for head in CARDS if parameter in expected[head]]
        if parts:
            assert close(tensor.grad, torch.stack(parts).sum(0)), parameter
        else:
            assert tensor.grad is None, parameter


@pytest.mark.slow
@pytest.mark.parametrize("micros", [DISJOINT, JOINT], ids=["disjoint", "joint"])
def test_products_with_another_gradient_are_those_of_separate_backwards(
    micros: list[Micro], way: bool, tmp_path: Path
) -> None:
    """<v, g_i> over all that is shared, the embeddings among it, whose part is of some weight here."""
    model = build(ENCODERS["bert"], tmp_path)
    expected, gradients = by_autograd(model, micros), gathered(model, micros)
    torch.manual_seed(3)
    for parameter in gradients.shared:
        parameter.grad = torch.randn_like(parameter)
    names = {f"encoder.{n}": p.grad for n, p in model.encoder.named_parameters() if p.grad is not None}
    of_embeddings = [n for n in names if "embeddings" in n and n.endswith("weight") and "orm" not in n]
    found = gradients.products()
    for head in CARDS:
        parts = {n: float((v * expected[head][n]).sum()) for n, v in names.items() if n in expected[head]}
        norm = sum(
            float(v.norm() * expected[head][n].norm()) for n, v in names.items() if n in expected[head]
        )
        assert found[head] == pytest.approx(sum(parts.values()), abs=1e-5 * norm), head
        assert abs(sum(parts.get(n, 0.0) for n in of_embeddings)) > 1e-4 * norm, head


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


@pytest.mark.slow
def test_half_precision_agrees_with_its_own_separate_backwards(way: bool, tmp_path: Path) -> None:
    """Both round what reaches a layer to bf16's 8 significant bits, by 2^-8 of it at most, in the same places;
    ours also rounds each range of tokens before it is added. A few such roundings lie between them."""
    model = build(ENCODERS["bert"], tmp_path)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected, gradients = by_autograd(model, DISJOINT), gathered(model, DISJOINT)
    gradients.apply({"a": 1.0, "b": 0.0, "c": 0.0}, dict.fromkeys(CARDS, 1.0))
    for name, gradient in expected["a"].items():
        found = model.get_parameter(name).grad
        assert (found - gradient).norm() < 5 * 2.0**-8 * gradient.norm() + 1e-3, name


def test_heads_over_the_same_rows_go_apart() -> None:
    groups = disjoint({"a": {0, 1}, "b": {2}, "c": {1, 2}, "d": {3}})
    assert [set(group) for group in groups] == [{"a", "b", "d"}, {"c"}]


def test_segments_skip_sequences_without_a_task() -> None:
    assert segments([0, 0, -1, 1, 0], [3, 2, 4, 1, 5]) == [(0, 0, 5), (1, 9, 10), (0, 10, 15)]


def test_the_norm_before_combining_is_that_of_what_is_made(way: bool, tmp_path: Path) -> None:
    gradients = gathered(model := build(ENCODERS["bert"], tmp_path), DISJOINT)
    weights, own = {"a": 0.5, "b": -1.5, "c": 2.0}, {"a": 3.0, "b": 0.25, "c": 1.0}
    gramian_KK, norms_H = devices.read(gradients.gramian_KK(), gradients.norms_of_heads())
    found = gradients.norm(gramian_KK, norms_H, weights, own)
    gradients.apply(weights, own)
    made = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert found == pytest.approx(float(torch.nn.utils.get_total_norm(made)), rel=1e-5)
