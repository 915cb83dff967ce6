"""Products over the token ranges of tasks, into room that holds something and into room that holds nothing."""

from __future__ import annotations

import pytest
import torch

from components.training.gradients import ranges as ways
from components.training.gradients.ranges import OneByOne, Segment, Together

PARTS = {
    "each once": [Segment(1, 0, 4), Segment(0, 5, 9), Segment(2, 9, 11)],
    "one twice": [Segment(1, 0, 4), Segment(0, 4, 8), Segment(1, 8, 10), Segment(2, 10, 11)],
    "one missing": [Segment(2, 0, 7), Segment(0, 7, 11)],
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_what_is_put_is_what_is_added_to_zeros(parts: list[Segment], dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(1)
    left_TO, right_TI = (torch.randn(11, width, generator=draw).to(dtype) for width in (3, 5))
    put_KOI, added_KOI = torch.full((3, 3, 5), torch.nan), torch.zeros(3, 3, 5)
    ranges = OneByOne(parts, 11)
    ranges.put_products(put_KOI, left_TO, right_TI)
    ranges.add_products(added_KOI, left_TO, right_TI)
    assert torch.equal(put_KOI, added_KOI)
    for task in range(3):
        rows = ranges.task_T == task
        expected_OI = left_TO[rows].double().T @ right_TI[rows].double()
        torch.testing.assert_close(put_KOI[task].double(), expected_OI, rtol=0.02, atol=0.05)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_a_launch_for_all_ranges_gives_what_one_for_each_does(
    parts: list[Segment], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In bf16 by torch's grouped product, on top of what is there already."""
    launched: list[torch.Tensor] = []
    grouped = ways.grouped_mm
    monkeypatch.setattr(ways, "grouped_mm", lambda *a, **k: launched.append(a[0]) or grouped(*a, **k))
    draw = torch.Generator().manual_seed(1)
    left_TO, right_TI = (torch.randn(11, width, generator=draw).to(dtype) for width in (8, 16))
    found = []
    for ranges in (OneByOne(parts, 11), Together(parts, 11, 3, torch.device("cpu"))):
        products_KOI, sums_KO = torch.ones(3, 8, 16), torch.ones(3, 8)
        ranges.add_products(products_KOI, left_TO, right_TI)
        ranges.add_sums(sums_KO, left_TO)
        found.append((products_KOI, sums_KO, ranges.task_T))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(other, one, rtol=0.02, atol=0.05)
    assert len(launched) == (dtype == torch.bfloat16)
