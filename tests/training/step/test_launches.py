"""What a step costs on a GPU: operations that it launches, and reads for which the host waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.training.step.launches import step

pytestmark = pytest.mark.slow  # steps of whole models

SUM: dict[str, Any] = {}
COMBINED = {"balancing": {"combination": "pcgrad"}}
WAYS = pytest.mark.parametrize("way", [SUM, COMBINED], ids=["sum", "pcgrad"])
LENGTHS = [40, 30, 20, 10]


@WAYS
@pytest.mark.parametrize("budget", [10**6, 100], ids=["one micro-batch", "several"])
def test_a_step_reads_the_device_once(
    budget: int, way: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a device where any other read raises."""
    _, reads = step(tmp_path, monkeypatch, 3, LENGTHS, **way, tokens_per_micro_batch=budget)
    assert reads == 1


@pytest.mark.parametrize("weights", ["gradnorm", "famo"])
def test_weights_that_follow_from_the_steps_own_losses_cost_a_few_reads_more(
    weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many micro-batches there are: the losses or norms before the gradients, the norm after them."""
    few, many = (
        step(
            tmp_path, monkeypatch, 3, LENGTHS, balancing={"weights": weights}, tokens_per_micro_batch=budget
        )[1]
        for budget in (10**6, 100)
    )
    assert few == many <= 3


@WAYS
def test_launches_do_not_grow_with_the_number_of_sequences(
    way: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = (
        step(tmp_path, monkeypatch, 2, lengths, **way)[0].total() for lengths in ([100], list(range(4, 44)))
    )
    assert many <= 1.1 * few


@WAYS
def test_launches_hardly_grow_with_the_number_of_tasks(
    way: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head's own product and its loss are left: 8 launches, forward and backward."""
    two, four, eight = (step(tmp_path, monkeypatch, tasks, LENGTHS, **way)[0].total() for tasks in (2, 4, 8))
    assert four - two == 2 * 8
    assert eight <= 1.1 * two


def test_a_combination_costs_few_launches_more_than_the_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each linear layer the gradients by task are one grouped product, and all of them one Gramian."""
    plain, combined = (step(tmp_path, monkeypatch, 8, LENGTHS, **way)[0] for way in (SUM, COMBINED))
    assert combined["_grouped_mm"] == 36  # six of each layer
    assert combined["bmm"] <= 1
    assert combined.total() <= 1.6 * plain.total()


@WAYS
def test_attention_is_one_launch_a_layer_with_dropout(
    way: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched, _ = step(tmp_path, monkeypatch, 2, LENGTHS, **way)
    assert launched["_flash_attention_forward"] == launched["_flash_attention_backward"] == 6
    assert launched["bernoulli_"] + launched["native_dropout"] >= 13  # dropout is on, and not in attention
