"""The distinct numbers of many, where how many they are is known and where only a bound is."""

from __future__ import annotations

import pytest
import torch

from components import device as devices
from components.training.gradients.distinct import distinct


@pytest.mark.parametrize("numbers", [[3, 1, 3, 0, 1], [2, 2, 2], [5], [0, 1, 2], [4, 0]])
@pytest.mark.parametrize("launches", [False, True])
def test_each_number_is_found_at_its_place(
    numbers: list[int], launches: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "counts_launches", lambda _: launches)
    given = torch.tensor(numbers)
    found, place = distinct(given, 6)
    assert found[place].tolist() == numbers
    kinds = sorted(set(numbers))
    assert found[: len(kinds)].tolist() == kinds
    assert set(found[len(kinds) :].tolist()) <= {max(kinds)}  # and nothing points there:
    assert int(place.max()) == len(kinds) - 1
