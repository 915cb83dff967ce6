"""How values get to a device and back, and what is computed there without asking it for anything."""

from __future__ import annotations

import pytest
import torch

from components import device as devices

GIVEN = [torch.arange(6).view(2, 3), torch.tensor([0.5, -2.0]), torch.tensor([[7]]), torch.zeros(0)]


def test_what_goes_to_a_gpu_is_pinned_and_one_copy_of_each_type_for_which_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pinned: list[torch.Tensor] = []

    def pin(one: torch.Tensor) -> torch.Tensor:
        pinned.append(one.clone())
        return pinned[-1]

    def to(one: torch.Tensor, device: torch.device, non_blocking: bool = False) -> torch.Tensor:
        assert (device.type, non_blocking) == ("cuda", True)
        assert any(one is other for other in pinned)
        return one

    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "pin_memory", pin)
        patch.setattr(torch.Tensor, "to", to)
        found = devices.moved(GIVEN, torch.device("cuda"))
    assert {one.dtype for one in pinned} == {torch.int64, torch.float32}
    assert len(pinned) == 2
    assert all(torch.equal(one, given) for one, given in zip(found, GIVEN, strict=True))


@pytest.mark.parametrize("launches", [False, True], ids=["a CPU's way", "a GPU's way"])
def test_the_sum_of_what_is_counted_and_its_gradient(launches: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "counts_launches", lambda _: launches)
    values = torch.tensor([[1.0, 2.0], [torch.inf, 4.0]], requires_grad=True)
    counted = torch.tensor([[True, False], [False, True]])
    total = devices.sum_where(values, counted)
    total.backward()
    assert float(total) == 5.0
    assert torch.equal(values.grad, counted.float())
